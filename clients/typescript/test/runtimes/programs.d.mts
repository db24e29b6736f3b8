/** Paths by the runtime's name; null where it is missing. */
export declare const PROGRAMS: { readonly [runtime: string]: string | null };
