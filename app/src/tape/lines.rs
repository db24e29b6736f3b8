//! The lines of one file of a tape, plain or compressed.

use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::bufread::MultiGzDecoder;

use super::Fault;

/// The longest line that is read. Snapshots of an order book take some 64 KiB.
pub(super) const MAX_LINE: u64 = 8 << 20;

/// The lines of one file.
pub(super) struct Lines {
    file: PathBuf,
    reader: Box<dyn BufRead + Send>,
    line: u64,
    buffer: Vec<u8>,
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("file", &self.file).field("line", &self.line).finish_non_exhaustive()
    }
}

impl Lines {
    pub(super) fn open(file: PathBuf) -> Result<Self, (PathBuf, io::Error)> {
        match File::open(&file).and_then(|opened| decompressed(BufReader::with_capacity(64 << 10, opened))) {
            Ok(reader) => Ok(Self::new(file, reader)),
            Err(error) => Err((file, error)),
        }
    }

    pub(super) fn new(file: PathBuf, reader: Box<dyn BufRead + Send>) -> Self {
        Self { file, reader, line: 0, buffer: Vec::new() }
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the number of the line that was read last, starting at 1.
    pub(super) fn number(&self) -> u64 {
        self.line
    }

    /// Returns the next line that is not blank, without its end.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Fault> {
        loop {
            self.buffer.clear();
            self.line += 1;
            let mut limited = self.reader.by_ref().take(MAX_LINE);
            match limited.read_until(b'\n', &mut self.buffer) {
                Ok(0) => return Ok(None),
                Ok(_) if limited.limit() == 0 => return Err(Fault::TooLong),
                Ok(_) if self.buffer.trim_ascii().is_empty() => {}
                Ok(_) => return Ok(Some(self.buffer.trim_ascii())),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Decompresses a reader that starts with the signature of gzip.
pub(super) fn decompressed(mut reader: impl BufRead + Send + 'static) -> io::Result<Box<dyn BufRead + Send>> {
    // Files are read in chunks of many bytes, so the first chunk has both bytes.
    Ok(if reader.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        Box::new(BufReader::with_capacity(64 << 10, MultiGzDecoder::new(reader)))
    } else {
        Box::new(reader)
    })
}
