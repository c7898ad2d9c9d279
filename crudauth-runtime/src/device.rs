//! Device cookies: which browser the owner of an account has signed in from (OWASP Authentication Cheat Sheet, device
//! cookies). Such a browser has a budget of its own, so that strangers' failures do not lock the owner out. It authenticates
//! nobody.

use crate::account::{AccountKey, AuthUser};
use crate::crypto::Purpose;
use crate::engine::{Engine, hex, unhex};
use crate::error::Result;

/// The nonce of a device cookie, if it was issued to a browser that signed in to this account.
pub(crate) fn known_device<'a, U: AuthUser>(
    engine: &Engine<U>,
    user: &U,
    cookie: &'a str,
) -> Option<&'a str> {
    let (nonce, mac) = cookie.split_once('.')?;
    let mac = unhex(mac)?;
    engine
        .keys
        .verify(Purpose::Device, &device_message(user, nonce), &mac)
        .then_some(nonce)
}

/// The cookie, if it was issued to a browser that signed in to this account: it keeps it.
pub(crate) fn own_device<U: AuthUser>(
    engine: &Engine<U>,
    user: &U,
    cookie: Option<&str>,
) -> Option<String> {
    cookie
        .filter(|cookie| known_device(engine, user, cookie).is_some())
        .map(str::to_owned)
}

/// A nonce and a keyed digest that binds it to the account.
pub(crate) fn new_device<U: AuthUser>(engine: &Engine<U>, user: &U) -> Result<String> {
    let nonce = engine.random.token()?;
    let mac = engine
        .keys
        .mac(Purpose::Device, &device_message(user, &nonce));
    Ok(format!("{nonce}.{}", hex(&mac)))
}

fn device_message<U: AuthUser>(user: &U, nonce: &str) -> Vec<u8> {
    format!("{}\0{nonce}", user.id().as_inner()).into_bytes()
}
