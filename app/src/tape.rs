//! Trades from recordings of Binance's combined stream, read lazily.

mod lines;
mod event;

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::trade::Trade;
use event::parse;
use lines::{Lines, MAX_LINE};

/// The trades of some files, in the order of the files.
///
/// A file is plain or gzip (also with several members), which its first bytes show. A line is
/// `<receive time in ns> <JSON>`, the JSON as Binance's combined stream sends it:
/// `{"stream":"btcusdt@trade","data":{"e":"trade","s","t","p","q","T"}}`. A trade's time
/// is the exchange's, `T`; the receive time is ignored. Other streams are skipped.
///
/// The iterator ends after the first error.
#[derive(Debug)]
pub struct Tape {
    files: VecDeque<PathBuf>,
    reading: Option<Lines>,
    /// The symbol of the previous trade, whose name is shared.
    symbol: Option<Arc<str>>,
}

impl Tape {
    /// Creates a tape of the given files, each opened when the previous one ends.
    pub fn new(files: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { files: files.into_iter().collect(), reading: None, symbol: None }
    }

    fn fail(&mut self, error: TapeError) -> TapeError {
        self.files.clear();
        self.reading = None;
        error
    }
}

impl Iterator for Tape {
    type Item = Result<Trade, TapeError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(lines) = &mut self.reading else {
                let file = self.files.pop_front()?;
                match Lines::open(file) {
                    Ok(lines) => self.reading = Some(lines),
                    Err((file, error)) => {
                        return Some(Err(self.fail(TapeError { file, line: None, fault: error.into() })));
                    }
                }
                continue;
            };
            let trade = match lines.next() {
                Ok(Some(line)) => parse(line, self.symbol.as_ref()),
                Ok(None) => {
                    self.reading = None;
                    continue;
                }
                Err(error) => Err(error),
            };
            match trade {
                Ok(None) => {}
                Ok(Some(trade)) => {
                    self.symbol = Some(Arc::clone(&trade.symbol));
                    return Some(Ok(trade));
                }
                Err(fault) => {
                    let (file, line) = (lines.file().to_owned(), Some(lines.number()));
                    return Some(Err(self.fail(TapeError { file, line, fault })));
                }
            }
        }
    }
}

/// Where a tape cannot be read any further. The source says why.
#[derive(Debug, thiserror::Error)]
#[error("tape {}{}", .file.display(), .line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct TapeError {
    file: PathBuf,
    /// Counted from 1; none when the file could not even be opened.
    line: Option<u64>,
    #[source]
    fault: Fault,
}

impl TapeError {
    /// The file that is at fault.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The line at fault, counted from 1; none when the file could not be opened.
    pub fn line(&self) -> Option<u64> {
        self.line
    }
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("the compressed file ends too early, it was cut off")]
    CutOff,
    #[error("cannot be read")]
    Io(#[source] io::Error),
    #[error("longer than {MAX_LINE} bytes, which no line of a tape is")]
    TooLong,
    #[error("not UTF-8")]
    NotText,
    #[error("does not begin with a receive time in nanoseconds and a space")]
    NoReceiveTime,
    #[error("not a message of a combined stream")]
    Json(#[source] serde_json::Error),
    #[error("not a trade")]
    TradeJson(#[source] serde_json::Error),
    #[error("not a trade: {0}")]
    Trade(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::CutOff } else { Self::Io(error) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::report::report;

    fn line(id: u64, time: i64) -> String {
        format!(
            "1 {{\"stream\":\"x@trade\",\"data\":{{\"e\":\"trade\",\"s\":\"X\",\"t\":{id},\"p\":\"1.50\",\"q\":\"2\",\"T\":{time}}}}}\n"
        )
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).expect("memory");
        encoder.finish().expect("memory")
    }

    /// Reads a tape from memory.
    fn tape(files: &[&[u8]]) -> Vec<Result<Trade, TapeError>> {
        let mut read = Vec::new();
        for (at, bytes) in files.iter().enumerate() {
            let bytes = io::Cursor::new(bytes.to_vec());
            let lines = Lines::new(format!("{at}").into(), lines::decompressed(bytes).expect("memory"));
            read.extend(Tape { files: VecDeque::new(), reading: Some(lines), symbol: None });
        }
        read
    }

    fn ids(read: &[Result<Trade, TapeError>]) -> Vec<u64> {
        read.iter().flatten().map(|trade| trade.id).collect()
    }

    #[test]
    fn reads_trades_and_skips_the_rest() {
        let text = [
            line(7, 1_000).as_str(),
            "2 {\"stream\":\"x@bookTicker\",\"data\":{\"u\":1}}\n",
            "3 {\"lastUpdateId\":1,\"bids\":[],\"asks\":[]}\n",
            "\n",
            "4 {\"stream\":\"x@aggTrade\",\"data\":{\"e\":\"aggTrade\"}}\r\n",
            &line(8, 900),
        ]
        .concat();
        let read = tape(&[text.as_bytes()]);
        let first = read[0].as_ref().expect("a trade");
        assert_eq!((&*first.symbol, first.id, first.time), ("X", 7, 1_000));
        assert_eq!((first.price, first.quantity), (Decimal::new(15, 1), Decimal::from(2)));
        assert_eq!(ids(&read), [7, 8]);
    }

    #[test]
    fn gzip_of_several_members_and_plain_are_one() {
        let (one, other) = (line(1, 1), line(2, 2));
        let both = [one.as_bytes(), other.as_bytes()].concat();
        let members = [gzip(one.as_bytes()), gzip(other.as_bytes())].concat();
        // A member of a file need not end at the end of a line.
        let split = [gzip(&both[..70]), gzip(&both[70..])].concat();
        for file in [both, members, split] {
            assert_eq!(ids(&tape(&[&file])), [1, 2]);
        }
    }

    #[test]
    fn the_last_line_needs_no_end() {
        assert_eq!(ids(&tape(&[line(1, 1).trim_end().as_bytes()])), [1]);
    }

    #[test]
    fn names_the_line_and_what_is_wrong_with_it() {
        let check = |bad: &str, message: &str| {
            let read = tape(&[[line(1, 1).as_str(), "\n", bad].concat().as_bytes()]);
            assert_eq!(ids(&read), [1], "{bad}");
            assert_eq!(read.len(), 2, "{bad}");
            let error = read[1].as_ref().expect_err("a bad line");
            assert_eq!(error.line(), Some(3));
            assert_eq!(report(error).to_string(), format!("tape 0, line 3: {message}"));
        };
        let data = |data: &str| format!("1 {{\"stream\":\"x@trade\",\"data\":{data}}}");
        check("nonsense", "does not begin with a receive time in nanoseconds and a space");
        check("12x {}", "does not begin with a receive time in nanoseconds and a space");
        check(
            "1 {\"stream\":\"x@tra",
            "not a message of a combined stream: EOF while parsing a string at line 1 column 16",
        );
        check("1 []]", "not a message of a combined stream: trailing characters at line 1 column 3");
        check("1 {\"stream\":\"x@trade\"}", "not a trade: no member `data`");
        check(&data("{\"e\":\"trade\"}"), "not a trade: missing field `s` at line 1 column 13");
        let trade = |e: &str, s: &str, p: &str, q: &str, time: &str| {
            data(&format!("{{\"e\":\"{e}\",\"s\":\"{s}\",\"t\":1,\"p\":\"{p}\",\"q\":\"{q}\",\"T\":{time}}}"))
        };
        check(&trade("aggTrade", "X", "1", "1", "1"), "not a trade: `e` is `aggTrade`; allowed is `trade`");
        check(&trade("trade", "", "1", "1", "1"), "not a trade: `s` is empty; allowed is a symbol");
        check(&trade("trade", "X", "0.0", "1", "1"), "not a trade: `p` is `0.0`; allowed is a decimal above 0");
        check(&trade("trade", "X", "1", "-1", "1"), "not a trade: `q` is `-1`; allowed is a decimal above 0");
        check(
            &trade("trade", "X", "1", "1", "-1"),
            "not a trade: `T` is -1; allowed are milliseconds of the years 1970 to 9999",
        );
    }

    #[test]
    fn what_is_not_text_is_an_error() {
        let read = tape(&[b"1 \xff\xfe\n"]);
        assert_eq!(report(read[0].as_ref().expect_err("not text")).to_string(), "tape 0, line 1: not UTF-8");
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        let read = tape(&[&gzip(&vec![b'1'; usize::try_from(MAX_LINE).expect("small") + 10])]);
        let error = read[0].as_ref().expect_err("too long");
        assert_eq!(report(error).to_string(), "tape 0, line 1: longer than 8388608 bytes, which no line of a tape is");
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named() {
        let mut tape = Tape::new(["/nonexistent/tape".into(), "/nonexistent/other".into()]);
        let error = tape.next().expect("an error").expect_err("no such file");
        assert_eq!((error.file(), error.line()), (Path::new("/nonexistent/tape"), None));
        assert!(report(&error).to_string().starts_with("tape /nonexistent/tape: cannot be read: "), "{error}");
        assert!(tape.next().is_none(), "nothing is read after an error");
    }

    #[test]
    fn a_file_cut_off_gives_what_it_has() {
        let text: String = (0..5_000).map(|id| line(id, 1)).collect();
        let whole = gzip(text.as_bytes());
        let read = tape(&[&whole[..whole.len() / 2]]);
        let (last, trades) = read.split_last().expect("something");
        assert!(trades.len() > 100 && trades.iter().all(Result::is_ok));
        let error = last.as_ref().expect_err("it was cut off");
        assert_eq!(
            report(error).to_string(),
            format!("tape 0, line {}: the compressed file ends too early, it was cut off", trades.len() + 1)
        );
        let read = tape(&[&text.as_bytes()[..text.len() - 10]]);
        assert_eq!(read.last().expect("an error").as_ref().expect_err("it was cut off").line(), Some(5_000));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = tape(&[&bytes, &gzip(&bytes), &[&[0x1f, 0x8b, 8], &bytes[..]].concat()]);
        }

        #[test]
        fn no_change_to_a_tape_panics(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
            cut in any::<prop::sample::Index>(),
            packed in any::<bool>(),
        ) {
            let text: String = (0..20).map(|id| line(id, 1)).collect();
            let mut bytes = if packed { gzip(text.as_bytes()) } else { text.into_bytes() };
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(cut.index(bytes.len()) + 1);
            let read = tape(&[&bytes]);
            prop_assert!(read.iter().rev().skip(1).all(Result::is_ok), "an error is the end");
        }
    }
}
