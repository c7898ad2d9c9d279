//! Which addresses a provider may have.
//!
//! What a provider publishes, and what its names resolve to, decides where we call. Without this, whoever writes there could
//! have us call the neighbours of the server that we run on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// How far calls reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// To addresses of the public internet.
    Public,
    /// Also to this machine, where the configured provider itself is: tests and development.
    Loopback,
}

impl Reach {
    /// How far calls to the provider at `url` reach.
    pub(super) fn of(url: &Url) -> Self {
        if is_loopback(url) {
            Self::Loopback
        } else {
            Self::Public
        }
    }

    pub(super) fn admits(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self == Self::Loopback && address.is_loopback()
    }

    /// Whether `url` may be called in the first place: `https`, or on this machine.
    pub(super) fn may_call(self, url: &Url) -> bool {
        url.has_host() && (url.scheme() == "https" || self.is_plain_here(url))
    }

    fn is_plain_here(self, url: &Url) -> bool {
        self == Self::Loopback && url.scheme() == "http" && is_loopback(url)
    }
}

/// A URL of a provider, with nothing in it that a provider has no business with.
pub(super) fn endpoint(text: &str, reach: Reach) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (plain && reach.may_call(&url)).then_some(url)
}

/// Whether `url` is on this machine, by its name.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).to_canonical().is_loopback(),
        None => false,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// All but the blocks of the IANA IPv4 special-purpose address registry, multicast and what is reserved.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., _, _)
            | (100, 64..=127, _) // carriers (RFC 6598)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2) // protocols (RFC 6890), documentation
            | (192, 88, 99) // 6to4 relays (RFC 7526)
            | (192, 168, _)
            | (198, 18..=19, _) // benchmarks (RFC 2544)
            | (198, 51, 100) // documentation
            | (203, 0, 113)
    )
}

/// Global unicast (RFC 4291 §2.4), but for the blocks of the IANA IPv6 special-purpose address registry. An address that leads
/// to an IPv4 address is judged by that.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, .., last, end] = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match (a, b, c) {
        (0, 0, 0) => address.to_ipv4_mapped().is_some_and(is_public_v4),
        // NAT64 (RFC 6052): what names resolve to in a network without IPv4. The local kind, `64:ff9b:1::/48`, is not this.
        (0x64, 0xff9b, 0) if address.segments().get(3..6) == Some(&[0, 0, 0]) => {
            is_public_v4(v4(last, end))
        }
        (0x2002, high, low) => is_public_v4(v4(high, low)), // 6to4 (RFC 3056)
        // Protocols, Teredo among them (RFC 2928); documentation (RFC 3849, 9637).
        (0x2001, 0..=0x1ff | 0xdb8, _) | (0x3fff, 0..=0xfff, _) => false,
        _ => a & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: [&str; 47] = [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::8.8.8.8",
        "64:ff9b:0:1::8.8.8.8",
        "100::1",
        "2001::1",
        "2001:2::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:a9fe:a9fe::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "ff02::1",
    ];

    #[test]
    fn sec_108_addresses_that_are_not_public_are_refused() {
        for address in REFUSED {
            let ip = address.parse().unwrap();
            assert!(!Reach::Public.admits(ip), "{address}");
        }
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "2a00:1450::1",
        ] {
            let ip = address.parse().unwrap();
            assert!(Reach::Public.admits(ip), "{address}");
        }
    }

    #[test]
    fn sec_108_a_provider_on_this_machine_opens_this_machine_and_no_network() {
        for address in REFUSED {
            let ip: IpAddr = address.parse().unwrap();
            let here = ip.to_canonical().is_loopback();
            assert_eq!(Reach::Loopback.admits(ip), here, "{address}");
        }
    }

    #[test]
    fn sec_108_endpoints_are_https_or_on_this_machine() {
        let parse = |text, reach| endpoint(text, reach).is_some();
        for (text, public, loopback) in [
            ("https://idp.example.com/token?x=1", true, true),
            ("http://idp.example.com/token", false, false),
            ("http://127.0.0.1:8080/token", false, true),
            ("http://[::1]/token", false, true),
            ("http://LOCALHOST/token", false, true),
            ("http://0x7f.1/token", false, true),
            ("http://localhost.example.com/token", false, false),
            ("http://10.0.0.1/token", false, false),
            ("https://user@idp.example.com/", false, false),
            ("https://:pw@idp.example.com/", false, false),
            ("https://idp.example.com/#x", false, false),
            ("file:///etc/passwd", false, false),
            ("ftp://idp.example.com/", false, false),
            ("javascript:alert(1)", false, false),
            ("/token", false, false),
            ("", false, false),
        ] {
            assert_eq!(parse(text, Reach::Public), public, "{text}");
            assert_eq!(parse(text, Reach::Loopback), loopback, "{text}");
        }
    }
}
