//! The rule that every address is a known site, this machine, or a reserved name.

use super::Breach;
use super::tree::Tree;

/// The known sites of others, each with its host and start of the path.
const KNOWN: [&str; 8] = [
    "github.com/rust-lang/crates.io-index",
    "keepachangelog.com/",
    "registry.npmjs.org/",
    "semver.org/",
    "spdx.org/licenses/",
    "www.apache.org/licenses/",
    "www.tradingview.com/",
    "www.w3.org/",
];

/// Reserved names, and ends of such names.
const RESERVED: [&str; 3] = ["example.com", "example.net", "example.org"];
const RESERVED_ENDS: [&str; 3] = [".example", ".test", ".invalid"];

/// The separator between scheme and host.
const MARKER: &str = "://";

pub(super) fn addresses(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.files.iter().filter(|file| !file.is_lock()) {
        for (number, line) in file.lines() {
            let site = |site: String| format!("`{site}` is no known site: link relatively, or use example.com");
            breaches.extend(unknown_site(line).map(|found| Breach::new(&file.path, number, site(found))));
            let mail = |host: &str| format!("`{host}` may be a real host: use an address at example.com");
            breaches.extend(mail_host(line).map(|found| Breach::new(&file.path, number, mail(found))));
        }
    }
    breaches
}

/// Returns the first site of a line's web addresses that is not known.
fn unknown_site(line: &str) -> Option<String> {
    line.match_indices(MARKER).find_map(|(at, marker)| {
        let scheme = line[..at].rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let site = &line[at + marker.len()..];
        let host = site.split(|c: char| !c.is_ascii_alphanumeric() && !".-".contains(c)).next()?;
        let is_known = KNOWN.iter().any(|known| site.starts_with(known)) || is_nobodys(host);
        (["http", "https", "ws", "wss", "git"].contains(&scheme) && !is_known).then(|| host.to_owned())
    })
}

/// Returns the host of the first mail address in a line that may be real.
fn mail_host(line: &str) -> Option<&str> {
    line.match_indices('@').find_map(|(at, _)| {
        let user = line[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
        let rest = &line[at + 1..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !".-".contains(c)).unwrap_or(rest.len());
        let host = rest[..end].trim_end_matches(['.', '-']);
        // A name that ends in a number is a version, and a name before a parenthesis a method.
        let last = host.rsplit_once('.')?.1;
        let is_name = last.len() > 1 && last.bytes().all(|byte| byte.is_ascii_lowercase());
        (user && is_name && !is_nobodys(host) && !rest[end..].starts_with('(')).then_some(host)
    })
}

/// Returns true for a loopback or reserved host, for a name without a dot, and for a placeholder.
fn is_nobodys(host: &str) -> bool {
    let is_loopback = host == "127.0.0.1" || host == "0.0.0.0";
    let is_reserved = RESERVED.iter().any(|name| host == *name || host.ends_with(&format!(".{name}")));
    is_loopback || is_reserved || RESERVED_ENDS.iter().any(|end| host.ends_with(end)) || !host.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_of_nobody_and_of_known_sites_pass() {
        for line in [
            "http://127.0.0.1:8000, ws://localhost/api and http://{at}/x, http://${address}/",
            "https://example.com:8080 https://a.example\\r\\n wss://api.example.org/ws",
            "xmlns=\"http://www.w3.org/2000/svg\"",
            "registry+https://github.com/rust-lang/crates.io-index",
            "urn:example:a sqlite://some.where/else",
        ] {
            assert_eq!(unknown_site(line), None, "{line}");
        }
    }

    #[test]
    fn other_sites_are_found() {
        let check = |line: &str, site: &str| assert_eq!(unknown_site(line).as_deref(), Some(site), "{line}");
        check(concat!("see https:", "//github.com/topicast/topicast."), "github.com");
        check(concat!("http://localhost/ and (wss:", "//topicast.dev)"), "topicast.dev");
        check(concat!("https:", "//example.com.evil.net/"), "example.com.evil.net");
    }

    #[test]
    fn mail_goes_to_reserved_names_only() {
        assert_eq!(mail_host(concat!("Some(\"maintainers", "@topicast.dev\")")), Some("topicast.dev"));
        for line in ["desk@example.com", "cargo@1.2.3", "import \"@asyncapi/parser\"", "a @ b.c", "x@y", "a@self.b()"] {
            assert_eq!(mail_host(line), None, "{line}");
        }
    }
}
