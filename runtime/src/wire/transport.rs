//! The stream under a connection: a bare TCP socket, or whatever else the upgrade gave.

use std::{
    fmt,
    io::{self, IoSlice},
    net::{Shutdown, SocketAddr},
    pin::Pin,
    sync::Mutex,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// What a connection reads from and its shard writes to, from two tasks at once.
pub(crate) enum Transport {
    /// A socket, written without a lock and without waking anything in between.
    Tcp(TcpStream),
    /// TLS, an in-memory pipe: anything that reads and writes.
    Other(Mutex<Pin<Box<dyn Duplex>>>),
}

/// A byte stream of any kind.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

impl Transport {
    pub(crate) fn tcp(stream: TcpStream) -> Self {
        // Frames are joined into one write by the shard; waiting for more in the kernel
        // would only add latency. A socket that refuses this works all the same.
        let _ = stream.set_nodelay(true);
        Self::Tcp(stream)
    }

    pub(crate) fn other(stream: impl Duplex + 'static) -> Self {
        Self::Other(Mutex::new(Box::pin(stream)))
    }

    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().ok(),
            Self::Other(_) => None,
        }
    }

    /// Reads what is there; 0 is the end of the stream.
    pub(crate) fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => loop {
                ready!(stream.poll_read_ready(cx))?;
                match stream.try_read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return Poll::Ready(read),
                }
            },
            Self::Other(stream) => {
                let mut stream = stream.lock().expect("a stream's poll does not panic");
                let mut buffer = ReadBuf::new(buffer);
                ready!(stream.as_mut().poll_read(cx, &mut buffer))?;
                Poll::Ready(Ok(buffer.filled().len()))
            }
        }
    }

    /// Reads from memory what a write needs of this side, so that it is in the processor's
    /// caches by then.
    pub(crate) fn fetch(&self) {
        if let Self::Tcp(stream) = self {
            #[cfg(unix)]
            std::hint::black_box(std::os::fd::AsRawFd::as_raw_fd(stream));
            #[cfg(not(unix))]
            std::hint::black_box(stream);
        }
    }

    /// Writes what fits, in one call. When nothing does, the context is woken once it may.
    pub(crate) fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => match send(stream, bytes) {
                Ok(written) => Poll::Ready(Ok(written)),
                Err(_) => poll_tcp(stream, cx, || stream.try_write(bytes)),
            },
            Self::Other(stream) => poll_other(stream, cx, |stream, cx| stream.poll_write(cx, bytes)),
        }
    }

    /// Shuts down the write side: the peer sees the end of the stream behind what was written.
    pub(crate) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Poll::Ready(socket2::SockRef::from(stream).shutdown(Shutdown::Write)),
            Self::Other(stream) => stream.lock().expect("a stream's poll does not panic").as_mut().poll_shutdown(cx),
        }
    }

    /// Writes what fits of several slices, in one call.
    pub(crate) fn poll_write_vectored(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => poll_tcp(stream, cx, || stream.try_write_vectored(slices)),
            Self::Other(stream) => poll_other(stream, cx, |stream, cx| stream.poll_write_vectored(cx, slices)),
        }
    }
}

/// Sends without asking tokio first whether the socket is writable, which it nearly always is:
/// what tokio knows of a socket lies in memory of its own, and a delivery would wait for it.
#[cfg(target_os = "linux")]
fn send(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(stream, bytes, rustix::net::SendFlags::NOSIGNAL)?)
}

#[cfg(not(target_os = "linux"))]
fn send(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    stream.try_write(bytes)
}

fn poll_tcp(
    stream: &TcpStream,
    cx: &mut Context<'_>,
    write: impl Fn() -> io::Result<usize>,
) -> Poll<io::Result<usize>> {
    loop {
        match write() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready!(stream.poll_write_ready(cx))?,
            written => return Poll::Ready(written),
        }
    }
}

fn poll_other(
    stream: &Mutex<Pin<Box<dyn Duplex>>>,
    cx: &mut Context<'_>,
    write: impl FnOnce(Pin<&mut dyn Duplex>, &mut Context<'_>) -> Poll<io::Result<usize>>,
) -> Poll<io::Result<usize>> {
    let mut stream = stream.lock().expect("a stream's poll does not panic");
    let written = ready!(write(stream.as_mut(), cx))?;
    // TLS keeps what was written until it is flushed; a pending flush goes on with the next
    // write or read.
    let _ = stream.as_mut().poll_flush(cx)?;
    Poll::Ready(Ok(written))
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp(_) => "Tcp",
            Self::Other(_) => "Other",
        })
    }
}
