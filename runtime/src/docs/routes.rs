//! The routes of the documents and of the page that displays them.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    extract::{OriginalUri, Path},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use serde::Deserialize;

use crate::docs::{asyncapi::AsyncApi, info::Surface, page};

const V2: &str = "/asyncapi.json";
const V3: &str = "/asyncapi-3.json";
const PAGE: &str = "/asyncapi";

/// Returns the routes below the socket's own path. The documents contain the path of the request,
/// so they are also correct in a nested router.
pub(crate) fn below<S: Clone + Send + Sync + 'static>(path: &str, surface: Arc<Surface>) -> Router<S> {
    let v2 = Arc::new(Documents::new(surface));
    let v3 = Arc::clone(&v2);
    let v2 = async move |OriginalUri(uri): OriginalUri| json(v2.at(parent(uri.path(), V2)).v2);
    let v3 = async move |OriginalUri(uri): OriginalUri| json(v3.at(parent(uri.path(), V3)).v3);
    Router::new()
        .route(&format!("{path}{V2}"), get(v2))
        .route(&format!("{path}{V3}"), get(v3))
        .merge(page_routes(path, None))
}

/// Returns the routes below any path, for a socket at the given full public path.
pub(crate) fn elsewhere<S: Clone + Send + Sync + 'static>(
    path: &str,
    surface: Arc<Surface>,
    socket: &str,
) -> Router<S> {
    let Rendered { v2, v3, .. } = Documents::new(surface).at(socket);
    Router::new()
        .route(&format!("{path}{V2}"), get(async move || json(v2.clone())))
        .route(&format!("{path}{V3}"), get(async move || json(v3.clone())))
        .merge(page_routes(path, Some(socket)))
}

fn page_routes<S: Clone + Send + Sync + 'static>(path: &str, socket: Option<&str>) -> Router<S> {
    let index = page::index(socket);
    Router::new()
        .route(&format!("{path}{PAGE}"), get(async move || file(page::HTML, index.clone())))
        .route(&format!("{path}{PAGE}/{{file}}"), get(async |Path(Asset { file }): Path<Asset>| asset(&file)))
}

/// The parameter of a route, by its name, because an enclosing router may have other parameters.
#[derive(Deserialize)]
struct Asset {
    file: String,
}

/// Returns the path that one of these routes is below.
fn parent<'a>(path: &'a str, route: &str) -> &'a str {
    path.strip_suffix(route).unwrap_or(path)
}

/// The documents, with the latest rendering. A request determines the path in them.
struct Documents {
    surface: Arc<Surface>,
    rendered: Mutex<Option<Rendered>>,
}

#[derive(Clone)]
struct Rendered {
    path: String,
    v2: Bytes,
    v3: Bytes,
}

impl Documents {
    fn new(surface: Arc<Surface>) -> Self {
        Self { surface, rendered: Mutex::new(None) }
    }

    /// Returns the documents of a socket at a path, and renders them if the path has changed.
    fn at(&self, path: &str) -> Rendered {
        let mut last = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(rendered) if rendered.path == path => rendered.clone(),
            _ => {
                let documents = AsyncApi::of_valid(&self.surface, path);
                let (v2, v3) = (documents.v2_json().into(), documents.v3_json().into());
                last.insert(Rendered { path: path.to_owned(), v2, v3 }).clone()
            }
        }
    }
}

fn json(text: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn asset(name: &str) -> Response {
    match page::asset(name) {
        Some((content_type, bytes)) => file(content_type, Bytes::from_static(bytes)),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Returns the response with a file of the page. The policy allows the page to load from and connect
/// to its own origin only.
fn file(content_type: &'static str, bytes: Bytes) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, "default-src 'self'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, bytes).into_response()
}
