//! Watches a connection for requests whose length can be read in two ways.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Whether a head with both `Content-Length` and `Transfer-Encoding` has passed. Shared between a connection and the
/// service behind it.
///
/// RFC 9112 §6.1 lets a server refuse such a request, which "might indicate an attempt to perform request smuggling";
/// hyper drops the length without a trace instead, so the bytes are looked at on their way in.
#[derive(Debug, Clone, Default)]
pub(super) struct Conflict(Arc<AtomicBool>);

impl Conflict {
    pub(super) fn was_seen(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A stream whose incoming bytes are looked at.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    lines: Lines,
    conflict: Conflict,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, conflict: Conflict) -> Self {
        Self {
            stream,
            lines: Lines::default(),
            conflict,
        }
    }
}

/// Header lines, told apart by their first bytes. A body is not told from a head: text in it that looks like a head
/// with both fields makes a later chunked request on the same connection fail, which costs an honest client a retry.
#[derive(Debug, Default)]
struct Lines {
    start: [u8; LONGEST],
    length: usize,
    has_content_length: bool,
    has_transfer_encoding: bool,
}

impl Lines {
    /// Takes one byte; true once both fields stand in the same block of lines.
    fn push(&mut self, byte: u8) -> bool {
        match byte {
            b'\n' if self.length == 0 => *self = Self::default(),
            b'\n' => self.length = 0,
            b'\r' => {}
            _ => {
                if let Some(place) = self.start.get_mut(self.length) {
                    *place = byte.to_ascii_lowercase();
                    self.length += 1;
                }
                // Only here can a name end: compared at every byte, this would cost more than the parser.
                if byte == b':' {
                    let line = self.start.get(..self.length).unwrap_or_default();
                    self.has_content_length |= line == CONTENT_LENGTH;
                    self.has_transfer_encoding |= line == TRANSFER_ENCODING;
                }
            }
        }
        self.has_content_length && self.has_transfer_encoding
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        for byte in buf.filled().get(before..).unwrap_or_default() {
            if this.lines.push(*byte) {
                this.conflict.0.store(true, Ordering::Release);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

const CONTENT_LENGTH: &[u8] = b"content-length:";
const TRANSFER_ENCODING: &[u8] = b"transfer-encoding:";
const LONGEST: usize = TRANSFER_ENCODING.len();

#[cfg(test)]
mod tests {
    use super::*;

    fn conflicting(bytes: &str) -> bool {
        let mut lines = Lines::default();
        bytes.bytes().any(|byte| lines.push(byte))
    }

    #[test]
    fn sec_138_both_lengths_in_one_head_are_noticed() {
        assert!(conflicting(
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n"
        ));
        assert!(conflicting(
            "POST / HTTP/1.1\ntransfer-ENCODING:chunked\ncontent-length:0\n\n"
        ));
        assert!(!conflicting(
            "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\nPOST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        ));
        assert!(!conflicting(
            "POST / HTTP/1.1\r\nX-Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        ));
    }
}
