//! The byte stream of a connection: a TCP socket or any other stream that was upgraded.

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

/// A byte stream that the connection's task reads and the shard's task writes concurrently.
pub(crate) enum Transport {
    /// A TCP socket, which needs no lock.
    Tcp(TcpStream),
    /// Any other stream, for example TLS or an in-memory pipe.
    Other(Mutex<Pin<Box<dyn Duplex>>>),
}

/// A byte stream of any kind.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

impl Transport {
    pub(crate) fn tcp(stream: TcpStream) -> Self {
        // The shard joins frames into one write, so Nagle's algorithm would only add latency.
        // The connection works even if the socket rejects the option.
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

    /// Reads available bytes. Returns 0 at the end of the stream.
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
                let mut stream = stream.lock().expect("polling a stream does not panic");
                let mut buffer = ReadBuf::new(buffer);
                ready!(stream.as_mut().poll_read(cx, &mut buffer))?;
                Poll::Ready(Ok(buffer.filled().len()))
            }
        }
    }

    /// Loads what a write needs into the processor's caches.
    pub(crate) fn prefetch(&self) {
        if let Self::Tcp(stream) = self {
            #[cfg(unix)]
            std::hint::black_box(std::os::fd::AsRawFd::as_raw_fd(stream));
            #[cfg(not(unix))]
            std::hint::black_box(stream);
        }
    }

    /// Writes as much as fits, in one call. If nothing fits, the context's waker is notified once
    /// the stream may be writable.
    pub(crate) fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => match send(stream, bytes) {
                Ok(written) => Poll::Ready(Ok(written)),
                Err(_) => poll_tcp(stream, cx, || stream.try_write(bytes)),
            },
            Self::Other(stream) => poll_other(stream, cx, |stream, cx| stream.poll_write(cx, bytes)),
        }
    }

    /// Shuts down the write side: the peer sees the end of the stream after what was written.
    pub(crate) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Poll::Ready(socket2::SockRef::from(stream).shutdown(Shutdown::Write)),
            Self::Other(stream) => stream.lock().expect("polling a stream does not panic").as_mut().poll_shutdown(cx),
        }
    }

    /// Writes as much of the slices as fits, in one call.
    pub(crate) fn poll_write_vectored(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => poll_tcp(stream, cx, || stream.try_write_vectored(slices)),
            Self::Other(stream) => poll_other(stream, cx, |stream, cx| stream.poll_write_vectored(cx, slices)),
        }
    }
}

/// Sends without checking tokio's readiness state. A socket is nearly always writable, and that
/// state is in separate memory whose cache miss would delay every delivery.
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
    let mut stream = stream.lock().expect("polling a stream does not panic");
    let written = ready!(write(stream.as_mut(), cx))?;
    // TLS buffers what was written until a flush. A pending flush continues with the next write
    // or read.
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
