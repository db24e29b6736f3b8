//! The documentation page with its live console, compiled into the program.
//!
//! The page is served at `{path}/asyncapi` and uses relative references: `asyncapi/{file}` for
//! its own files, `asyncapi.json` and `asyncapi-3.json` for the documents, and `{path}` for the
//! WebSocket. If the WebSocket is elsewhere, a `meta` element contains its path. The page works
//! under `Content-Security-Policy: default-src 'self'`.

use bytes::Bytes;

/// Returns a file of the page and its content type; `index.html` is the page itself.
pub(crate) fn asset(name: &str) -> Option<(&'static str, &'static [u8])> {
    let (_, content_type, bytes) = FILES.iter().find(|(file, ..)| *file == name)?;
    Some((content_type, bytes))
}

/// Returns the page. `socket` is the path of the WebSocket, or `None` if it is beside the page.
pub(crate) fn index(socket: Option<&str>) -> Bytes {
    let Some(socket) = socket else { return Bytes::from_static(INDEX.as_bytes()) };
    let socket = if socket.is_empty() { "/" } else { socket };
    let escaped = socket.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    INDEX.replace(BESIDE, &format!("<meta name=\"socket\" content=\"{escaped}\">")).into()
}

const INDEX: &str = include_str!("page/index.html");

/// The element that [`index`] replaces.
const BESIDE: &str = "<meta name=\"socket\" content=\"\">";

pub(crate) const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

const FILES: [(&str, &str, &[u8]); 16] = [
    ("index.html", HTML, INDEX.as_bytes()),
    ("page.css", CSS, include_bytes!("page/page.css")),
    ("console.css", CSS, include_bytes!("page/console.css")),
    ("icon.svg", SVG, include_bytes!("page/icon.svg")),
    ("theme.js", JS, include_bytes!("page/theme.js")),
    ("app.js", JS, include_bytes!("page/app.js")),
    ("reference.js", JS, include_bytes!("page/reference.js")),
    ("console.js", JS, include_bytes!("page/console.js")),
    ("connection.js", JS, include_bytes!("page/connection.js")),
    ("subscriptions.js", JS, include_bytes!("page/subscriptions.js")),
    ("table.js", JS, include_bytes!("page/table.js")),
    ("kind.js", JS, include_bytes!("page/kind.js")),
    ("log.js", JS, include_bytes!("page/log.js")),
    ("form.js", JS, include_bytes!("page/form.js")),
    ("schema.js", JS, include_bytes!("page/schema.js")),
    ("dom.js", JS, include_bytes!("page/dom.js")),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn text(name: &str) -> &'static str {
        let (_, bytes) = asset(name).unwrap_or_else(|| panic!("no file `{name}`"));
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn files_have_their_types_and_others_are_not_there() {
        assert_eq!(asset("index.html").map(|(content_type, _)| content_type), Some(HTML));
        assert_eq!(asset("app.js").map(|(content_type, _)| content_type), Some(JS));
        for name in ["", "app", "../page.rs", "page.rs", "APP.JS"] {
            assert!(asset(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_socket_elsewhere_stands_in_the_page() {
        let index = |socket| String::from_utf8(index(socket).to_vec()).unwrap();
        assert_eq!(index(None), text("index.html"));
        assert!(index(None).contains("<meta name=\"socket\" content=\"\">"));
        assert!(index(Some("/a\"<b>&")).contains("<meta name=\"socket\" content=\"/a&quot;&lt;b>&amp;\">"));
        assert!(index(Some("")).contains("<meta name=\"socket\" content=\"/\">"));
    }

    /// Returns every text between a prefix and the next quote.
    fn quoted_after<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        text.split(prefix).skip(1).filter_map(|rest| rest.split('"').next())
    }

    #[test]
    fn every_file_that_is_asked_for_is_there_and_every_file_is_asked_for() {
        let mut asked: BTreeSet<&str> = quoted_after(text("index.html"), "\"asyncapi/").collect();
        for (name, ..) in FILES.iter().filter(|(_, content_type, _)| *content_type == JS) {
            asked.extend(quoted_after(text(name), "from \"./"));
        }
        let files: BTreeSet<&str> = FILES.iter().map(|(name, ..)| *name).filter(|name| *name != "index.html").collect();
        assert_eq!(asked, files);
    }

    #[test]
    fn nothing_is_inline_evaluated_or_from_elsewhere() {
        for (name, content_type, _) in FILES {
            let text = text(name);
            let elsewhere = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!elsewhere.contains("http://") && !elsewhere.contains("https://"), "{name} names another host");
            assert!(!text.contains("eval(") && !text.contains("new Function") && !text.contains("innerHTML"), "{name}");
            if content_type == HTML {
                assert!(!text.contains("<style") && !text.contains("style=") && !text.contains(" on"), "{name}");
                assert_eq!(
                    text.matches("<script").count(),
                    text.matches("<script src=").count() + text.matches("<script type=\"module\" src=").count()
                );
            }
        }
    }
}
