//! Who is calling, by address.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Once;

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap, HeaderName};

/// The other end of the connection, put into each request by [`serve`](super::serve::serve).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// The address of the connection's other end, if the server supplied it: `crudauth::serve` does, and axum's own does
/// under `into_make_service_with_connect_info::<SocketAddr>()`.
#[must_use]
pub fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let own = extensions.get::<Peer>().map(|peer| peer.0);
    let axums = || {
        extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.0)
    };
    own.or_else(axums)
        .map(|address| address.ip().to_canonical())
}

/// The client's address. With no trusted hops it is the peer's and no header counts. With N, it is the N-th
/// `X-Forwarded-For` entry from the right: what stands further left was written by the client itself. A chain shorter
/// than that gives its left-most entry. Without a readable entry there the peer's address stands in.
#[must_use]
pub fn client_ip(peer: Option<IpAddr>, headers: &HeaderMap, trusted_hops: usize) -> Option<IpAddr> {
    let peer = peer.map(|address| address.to_canonical());
    if trusted_hops == 0 {
        return peer;
    }
    let lines: Vec<_> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .map(|line| String::from_utf8_lossy(line.as_bytes()))
        .collect();
    let entries: Vec<&str> = lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .collect();
    let entry = entries
        .len()
        .checked_sub(trusted_hops)
        .map_or_else(|| entries.first(), |at| entries.get(at));
    entry.and_then(|text| parse(text)).or(peer)
}

/// An address, with or without brackets and port.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    let address = bare
        .parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

/// The bucket in which an address is counted. An IPv6 network of 64 bits is one client: its holder has them all.
/// Clients without an address share one bucket, which is reported once.
#[must_use]
pub fn client_key(ip: Option<IpAddr>) -> String {
    match ip.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let network = Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64));
            format!("{network}/64")
        }
        None => {
            static REPORTED: Once = Once::new();
            REPORTED.call_once(|| {
                tracing::error!(
                    "the server supplies no peer address, so all clients share one limit; serve with crudauth::serve"
                );
            });
            "unknown".to_owned()
        }
    }
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[expect(
        clippy::unnecessary_wraps,
        reason = "what it is compared with is an Option"
    )]
    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    fn forwarded(lines: &[&[u8]]) -> HeaderMap {
        lines
            .iter()
            .map(|line| (FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap()))
            .collect()
    }

    #[test]
    fn sec_040_without_trusted_hops_no_header_counts() {
        let mut headers = forwarded(&[b"9.9.9.9"]);
        headers.insert("forwarded", HeaderValue::from_static("for=9.9.9.9"));
        headers.insert("x-real-ip", HeaderValue::from_static("9.9.9.9"));
        assert_eq!(client_ip(ip("1.2.3.4"), &headers, 0), ip("1.2.3.4"));
        assert_eq!(client_ip(None, &headers, 0), None);
    }

    #[test]
    fn sec_040_hops_are_counted_from_the_right() {
        let headers = forwarded(&[b"6.6.6.6, 5.5.5.5", b"4.4.4.4"]);
        let peer = ip("1.2.3.4");
        assert_eq!(client_ip(peer, &headers, 1), ip("4.4.4.4"));
        assert_eq!(client_ip(peer, &headers, 2), ip("5.5.5.5"));
        assert_eq!(client_ip(peer, &headers, 3), ip("6.6.6.6"));
        assert_eq!(client_ip(peer, &headers, 9), ip("6.6.6.6"));
        assert_eq!(client_ip(peer, &HeaderMap::new(), 1), peer);
    }

    #[test]
    fn entries_may_have_ports_and_brackets_but_must_be_readable() {
        let peer = ip("1.2.3.4");
        for (entry, expected) in [
            (b"5.5.5.5:80".as_slice(), ip("5.5.5.5")),
            (b"[2001:db8::1]:443", ip("2001:db8::1")),
            (b"[2001:db8::1]", ip("2001:db8::1")),
            (b"::ffff:5.5.5.5", ip("5.5.5.5")),
            (b"5.5.5.5,unknown", peer),
            (b"5.5.5.5,", peer),
            (b"\xff", peer),
            (b" ", peer),
        ] {
            assert_eq!(
                client_ip(peer, &forwarded(&[entry]), 1),
                expected,
                "{}",
                entry.escape_ascii()
            );
        }
    }

    #[test]
    fn keys_group_ipv6_by_network() {
        assert_eq!(client_key(ip("1.2.3.4")), "1.2.3.4");
        assert_eq!(client_key(ip("::ffff:1.2.3.4")), "1.2.3.4");
        assert_eq!(client_key(ip("2001:db8:1:2:3:4:5:6")), "2001:db8:1:2::/64");
        assert_eq!(client_key(ip("2001:db8:1:2:ffff::")), "2001:db8:1:2::/64");
        assert_eq!(client_key(None), "unknown");
    }

    #[test]
    fn sec_160_the_peer_comes_from_either_server() {
        let address: SocketAddr = "[::ffff:1.2.3.4]:5".parse().unwrap();
        let mut extensions = Extensions::new();
        assert_eq!(peer(&extensions), None);
        extensions.insert(ConnectInfo(address));
        assert_eq!(peer(&extensions), ip("1.2.3.4"));
        extensions.insert(Peer("5.6.7.8:9".parse().unwrap()));
        assert_eq!(peer(&extensions), ip("5.6.7.8"));
    }
}
