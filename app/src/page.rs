//! The page with the charts at `/`, compiled into the program if it was built.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::{
    Router,
    body::{Body, Bytes},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// A file of the page.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// The path, such as `/assets/index-Ck3vT0bX.js`; `/index.html` is the page itself.
    pub path: &'static str,
    /// The content.
    pub bytes: &'static [u8],
}

/// The files of the page that was built before this program; empty if there was none.
pub const BUNDLE: &[File] = include!(concat!(env!("OUT_DIR"), "/bundle.rs"));

/// The content security policy: the page may load from and connect to its own origin only.
///
/// `'self'` includes WebSockets of the same host and port since Chrome 71, Firefox 62 and
/// Safari 16. Older Safaris require the host name, which the server knows only from the client's
/// request, and `ws:` alone would allow every host.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// The page at `/` if the real one was not built: how to build it, and links to the rest.
const MISSING: &[File] = &[File { path: "/index.html", bytes: include_bytes!("page/missing.html") }];

/// Returns the routes of a page's files. Without files, `/` explains how to build them.
pub fn router<S: Clone + Send + Sync + 'static>(files: &'static [File]) -> Router<S> {
    let files = if files.is_empty() { MISSING } else { files };
    files.iter().map(Asset::new).fold(Router::new(), |router, asset| {
        let path = if asset.path == "/index.html" { "/" } else { asset.path };
        router.route(path, get(async move |headers: HeaderMap| asset.answer(&headers)))
    })
}

/// A file with its entity tag.
#[derive(Debug, Clone)]
struct Asset {
    path: &'static str,
    bytes: &'static [u8],
    tag: HeaderValue,
}

impl Asset {
    fn new(file: &File) -> Self {
        // The hash may change with the version of Rust; browsers then load the file once more.
        let mut hasher = DefaultHasher::new();
        file.bytes.hash(&mut hasher);
        let tag = format!("\"{:016x}\"", hasher.finish());
        let tag = HeaderValue::from_str(&tag).expect("hexadecimal digits in quotes are visible ASCII");
        Self { path: file.path, bytes: file.bytes, tag }
    }

    fn answer(&self, request: &HeaderMap) -> Response {
        // Names in `assets` contain a hash of the content, so these files never change.
        let hashed = self.path.starts_with("/assets/");
        let cache = if hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
        let headers = [
            (header::ETAG, self.tag.clone()),
            (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ];
        if knows(request, &self.tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let body = Body::from(Bytes::from_static(self.bytes));
        (headers, [(header::CONTENT_TYPE, content_type(self.path))], body).into_response()
    }
}

/// Returns true if `If-None-Match` names the tag (RFC 9110, section 13.1.2). Tags are compared
/// weakly, since compressing proxies make them weak.
fn knows(request: &HeaderMap, tag: &HeaderValue) -> bool {
    let values = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|other| other == "*" || other.strip_prefix("W/").unwrap_or(other) == tag)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("txt") => "text/plain; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/vnd.microsoft.icon",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, Request, response::Parts};
    use tower::ServiceExt;

    use super::*;

    const FILES: &[File] = &[
        File { path: "/index.html", bytes: b"<!doctype html>" },
        File { path: "/icon.svg", bytes: b"<svg/>" },
        File { path: "/assets/index-Ck3vT0bX.js", bytes: b"void 0" },
        File { path: "/assets/index-B2o9xq_1.css", bytes: b"a{}" },
    ];

    async fn ask(files: &'static [File], method: Method, path: &str, tag: Option<&str>) -> (Parts, Bytes) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(tag) = tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        let request = request.body(Body::empty()).expect("a good request");
        let (parts, body) = router::<()>(files).oneshot(request).await.expect("a router answers").into_parts();
        (parts, axum::body::to_bytes(body, 1 << 20).await.expect("a short body"))
    }

    #[tokio::test]
    async fn every_file_has_its_type_its_age_and_the_policy() {
        for (path, content_type, cache) in [
            ("/", "text/html; charset=utf-8", "no-cache"),
            ("/icon.svg", "image/svg+xml", "no-cache"),
            ("/assets/index-Ck3vT0bX.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
            ("/assets/index-B2o9xq_1.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable"),
        ] {
            let (get, body) = ask(FILES, Method::GET, path, None).await;
            assert_eq!(get.status, StatusCode::OK, "{path}");
            let file = FILES.iter().find(|file| file.path == path || path == "/").expect("a file");
            assert_eq!(body, file.bytes);
            for (name, value) in [
                ("content-type", content_type),
                ("cache-control", cache),
                ("content-security-policy", POLICY),
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
            ] {
                assert_eq!(get.headers[name], value, "{path}");
            }
            let (head, body) = ask(FILES, Method::HEAD, path, None).await;
            assert_eq!((head.status, body.len()), (StatusCode::OK, 0));
            assert_eq!(head.headers, get.headers);
            assert_eq!(head.headers["content-length"], file.bytes.len().to_string());
        }
    }

    #[tokio::test]
    async fn what_the_browser_has_already_is_not_sent_again() {
        let (first, _) = ask(FILES, Method::GET, "/", None).await;
        let tag = first.headers["etag"].to_str().expect("text").to_owned();
        let (other, _) = ask(FILES, Method::GET, "/icon.svg", None).await;
        assert_ne!(other.headers["etag"], tag);
        for known in [tag.clone(), format!("W/{tag}"), format!("\"a\", {tag}"), "*".to_owned()] {
            let (parts, body) = ask(FILES, Method::GET, "/", Some(&known)).await;
            assert_eq!((parts.status, body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
            for name in ["etag", "cache-control", "content-security-policy"] {
                assert_eq!(parts.headers[name], first.headers[name]);
            }
            assert!(!parts.headers.contains_key("content-type"));
        }
        for unknown in ["\"a\"", "W/\"a\"", "", tag.trim_matches('"')] {
            let (parts, _) = ask(FILES, Method::GET, "/", Some(unknown)).await;
            assert_eq!(parts.status, StatusCode::OK, "{unknown}");
        }
    }

    #[tokio::test]
    async fn other_names_and_methods_are_refused() {
        for path in ["/index.html", "/assets/", "/assets/index.js", "/assets/..%2Findex.html", "/ICON.svg"] {
            let (parts, _) = ask(FILES, Method::GET, path, None).await;
            assert_eq!(parts.status, StatusCode::NOT_FOUND, "{path}");
        }
        let (parts, _) = ask(FILES, Method::POST, "/", None).await;
        assert_eq!(parts.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(parts.headers["allow"], "GET,HEAD");
    }

    #[tokio::test]
    async fn without_the_page_it_is_said_how_to_build_it() {
        let (parts, body) = ask(&[], Method::GET, "/", None).await;
        assert_eq!(parts.status, StatusCode::OK);
        assert_eq!(parts.headers["content-security-policy"], POLICY);
        assert_eq!(parts.headers["cache-control"], "no-cache");
        let text = std::str::from_utf8(&body).expect("text");
        for part in ["Node 20.19", "cargo xtask serve", "/api/v1/ws/asyncapi", "/api/v1/market", "/api/v1/health"] {
            assert!(text.contains(part), "{part}");
        }
        assert!(!text.contains("<script") && !text.contains("style"), "nothing that the policy forbids");
    }

    /// Holds for the page that this test was built with, if there is one.
    #[test]
    fn the_page_in_this_program_is_whole_and_refers_to_nothing_else() {
        let Some(index) = BUNDLE.iter().find(|file| file.path == "/index.html") else {
            assert!(BUNDLE.is_empty(), "a page without its index");
            return;
        };
        let index = std::str::from_utf8(index.bytes).expect("text");
        let loading = |tag: &&str| ["script", "link", "img"].iter().any(|name| tag.starts_with(name));
        for tag in index.split('<').filter(loading) {
            let address = tag.split_once("src=\"").or_else(|| tag.split_once("href=\"")).map(|(_, rest)| rest);
            let path = address.and_then(|rest| rest.split('"').next()).expect("nothing is inline");
            assert!(BUNDLE.iter().any(|file| file.path == path), "{path} is asked for and not there");
        }
        assert!(!index.contains("<style") && !index.contains(" style="), "the policy forbids styles in the page");
    }
}
