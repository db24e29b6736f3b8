// A user's project outside this one, with the package installed as npm packs it.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PACKAGE = fileURLToPath(new URL("../../", import.meta.url));
const TSC = join(PACKAGE, "node_modules/typescript/bin/tsc");

/** The strictest that users have. */
const COMPILER = {
  compilerOptions: {
    target: "ES2022",
    module: "NodeNext",
    lib: ["ES2023", "ESNext.Disposable", "DOM"],
    types: ["node"],
    typeRoots: [join(PACKAGE, "node_modules/@types")],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    verbatimModuleSyntax: true,
    isolatedModules: true,
    erasableSyntaxOnly: true,
  },
};

export class Project {
  private constructor(readonly folder: string) {}

  static async make(): Promise<Project> {
    const project = new Project(await mkdtemp(join(tmpdir(), "topicast-project-")));
    await project.write("package.json", JSON.stringify({ private: true, type: "module" }));
    await project.write("tsconfig.json", JSON.stringify(COMPILER));
    const packed = await project.run("npm", "pack", PACKAGE, "--ignore-scripts", "--json");
    const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
    await project.run("npm", "install", "--offline", "--no-audit", "--no-fund", `./${filename}`);
    return project;
  }

  async write(name: string, text: string): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    await writeFile(join(this.folder, name), text);
  }

  /** Runs a program there; answers what it writes. */
  async run(program: string, ...args: string[]): Promise<string> {
    try {
      return (await promisify(execFile)(program, args, { cwd: this.folder })).stdout;
    } catch (error) {
      const { message, stdout, stderr } = error as { message: string; stdout: string; stderr: string };
      throw new Error(`${message}\n${stdout}\n${stderr}`);
    }
  }

  /** Compiles all there is. */
  async compile(): Promise<void> {
    await this.run(process.execPath, TSC, "-p", ".");
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
