//! Storage for subscriptions that outlive the program.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::value::RawValue;

/// Stores the list of subscriptions as one text, so that the next run of the program can restore
/// them.
///
/// The text is JSON: a list of `[route, request]`. Both methods run on a thread where they may
/// block, one call at a time.
///
/// ```
/// use std::{io, sync::Mutex};
/// use topicast_client::Storage;
///
/// /// Keeps subscriptions in memory, for a test.
/// #[derive(Default)]
/// struct Memory(Mutex<Option<String>>);
///
/// impl Storage for Memory {
///     fn load(&self) -> io::Result<Option<String>> {
///         Ok(self.0.lock().map_err(|_| io::ErrorKind::Other)?.clone())
///     }
///
///     fn save(&self, text: &str) -> io::Result<()> {
///         *self.0.lock().map_err(|_| io::ErrorKind::Other)? = Some(text.to_owned());
///         Ok(())
///     }
/// }
/// # let memory = Memory::default();
/// # memory.save("[]").unwrap();
/// # assert_eq!(memory.load().unwrap().as_deref(), Some("[]"));
/// ```
pub trait Storage: Send + Sync + 'static {
    /// Returns the text that was saved last, or `None` if there is none.
    ///
    /// # Errors
    /// Returns an error if the text cannot be read. The client then saves nothing, so that it
    /// does not overwrite what may be there.
    fn load(&self) -> io::Result<Option<String>>;

    /// Saves a text, replacing the previous one.
    ///
    /// # Errors
    /// Returns an error if the text could not be saved. The client emits an
    /// [`Event::Storage`](crate::Event::Storage), and saves again with the next change.
    fn save(&self, text: &str) -> io::Result<()>;
}

/// A [`Storage`] in a file, which is replaced atomically.
///
/// ```no_run
/// # #[topicast::data]
/// # #[derive(Debug)]
/// # pub struct Bar { close: f64 }
/// # #[topicast::ws_router(route = "bars", update = Bar)]
/// # pub struct Bars { symbol: String }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use topicast_client::{Client, FileStorage};
///
/// let client = Client::builder("ws://localhost:8000/ws").storage(FileStorage::new("subscriptions.json")).build()?;
/// for (request, bars) in client.restore::<Bars>().await? {
///     println!("{}: {:?}", request.symbol, bars.status());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct FileStorage {
    path: PathBuf,
}

impl FileStorage {
    /// Creates a storage in the file at this path. The file need not exist, its directory must.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Storage for FileStorage {
    fn load(&self) -> io::Result<Option<String>> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn save(&self, text: &str) -> io::Result<()> {
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        fs::write(&beside, text)?;
        fs::rename(beside, &self.path)
    }
}

/// One saved subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) route: String,
    /// The request as JSON.
    pub(crate) request: String,
}

/// Reads a saved text.
///
/// # Errors
/// Returns an error if the text is not a list of subscriptions.
pub(crate) fn parse(text: &str) -> Result<Vec<Entry>, serde_json::Error> {
    let pairs: Vec<(String, Box<RawValue>)> = serde_json::from_str(text)?;
    Ok(pairs.into_iter().map(|(route, request)| Entry { route, request: request.get().to_owned() }).collect())
}

/// Writes the text that saves these routes and requests.
pub(crate) fn write<'a>(entries: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<_> =
        entries.map(|(route, request)| format!("[{},{request}]", serde_json::Value::from(route))).collect();
    format!("[{}]", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = write([("bars", r#"{"symbol":"A"}"#), ("a\"b", "{}")].into_iter());
        assert_eq!(text, r#"[["bars",{"symbol":"A"}],["a\"b",{}]]"#);
        let entries = parse(&text).unwrap();
        assert_eq!(entries[0], Entry { route: "bars".into(), request: r#"{"symbol":"A"}"#.into() });
        assert_eq!(write(entries.iter().map(|entry| (&*entry.route, &*entry.request))), text);
        assert_eq!((write(std::iter::empty()), parse("[]").unwrap()), ("[]".to_owned(), Vec::new()));
        for wrong in ["", "{}", "[7]", r#"[["bars"]]"#, r#"[["bars",{}"#] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
