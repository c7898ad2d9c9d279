//! No input makes the macros panic.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

use crate::{authority, features, guard, user};

/// xorshift64*: the same inputs in every run.
struct Random(u64);

/// Words that mean something somewhere in a block.
const WORDS: &[&str] = &[
    "session",
    "password",
    "idle",
    "min",
    "argon2",
    "m",
    "words",
    "allow",
    "reason",
    "crate",
    "auth",
    "id",
    "email",
    "register",
    "default",
    "skip",
    "column",
    "table",
    "struct",
    "pub",
    "Auth",
    "User",
    "verified",
    "check",
    "transport",
    "Principal",
    "fn",
    "self",
    "database",
    "sqlite",
    "hooks",
    "true",
    "max_attempts",
    "lockout",
    "channel",
    "frontend_url",
    "verify_ttl",
    "reset_path",
    "undo_path",
    "require_verified",
    "rate_limit",
    "password_reset_request",
    "recovery",
    "recovery_verified",
    "bearer",
    "refresh",
    "scopes",
    "scope",
    "grantable",
    "claims",
    "rotate",
    "grace",
    "AccessToken",
    "oauth",
    "google",
    "oidc",
    "provider",
    "trusted",
    "default_redirect",
    "doc",
    "for",
    "_x",
];

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % below
    }

    fn tokens(&mut self, depth: usize) -> TokenStream {
        (0..self.next(7)).map(|_| self.token(depth)).collect()
    }

    fn token(&mut self, depth: usize) -> TokenTree {
        match self.next(12) {
            0..=4 => TokenTree::Ident(Ident::new(WORDS[self.next(WORDS.len())], Span::call_site())),
            5 | 6 => TokenTree::Punct(Punct::new(
                ['=', ',', ':', '<', '>', '#', ';', '-', '&', '!'][self.next(10)],
                Spacing::Alone,
            )),
            7 => TokenTree::Punct(Punct::new([':', '=', '-'][self.next(3)], Spacing::Joint)),
            8 => TokenTree::Literal(Literal::string(
                [
                    "",
                    "15m",
                    "19MiB",
                    "5/h",
                    "off",
                    "2d",
                    "/a",
                    "//\\?#%",
                    "https://a.example",
                    "http://[::1]:%/é",
                    "none",
                    "é\0",
                    "users",
                    "reports:read",
                    "EdDSA",
                    "body",
                    "999999999999999999999d",
                ][self.next(17)],
            )),
            9 => TokenTree::Literal(Literal::u64_unsuffixed(self.next(100_000) as u64)),
            _ if depth == 0 => TokenTree::Literal(Literal::character('x')),
            _ => {
                let delimiter = [
                    Delimiter::Parenthesis,
                    Delimiter::Brace,
                    Delimiter::Bracket,
                    Delimiter::None,
                ][self.next(4)];
                TokenTree::Group(Group::new(delimiter, self.tokens(depth - 1)))
            }
        }
    }
}

/// 100,000 inputs, the same in every run, shared out so that the suite does not wait for one core.
#[test]
fn sec_131_no_input_makes_the_macros_panic() {
    let workers: Vec<_> = (0..4u64)
        .map(|worker| std::thread::spawn(move || fuzz(0x5ec1_3100_0000_0001 + worker, 25_000)))
        .collect();
    for worker in workers {
        assert!(worker.join().is_ok());
    }
}

fn fuzz(seed: u64, rounds: u32) {
    let mut random = Random(seed);
    for round in 0..rounds {
        let noise = random.tokens(2);
        let name = Ident::new(
            features::ALL[random.next(features::ALL.len())].name,
            Span::call_site(),
        );
        match round % 6 {
            0 => drop(authority(noise)),
            1 => drop(authority(
                quote::quote!(#[#name(#noise)] pub struct Auth<User>;),
            )),
            2 => drop(user(quote::quote!(
                #[auth(#noise)]
                struct User {
                    #[auth(#noise)]
                    id: i64,
                    email: String,
                }
            ))),
            3 => drop(guard::require(
                noise,
                &quote::quote!(
                    async fn f(u: Principal<Auth>) {}
                ),
                "",
            )),
            4 => drop(guard::require(
                quote::quote!(verified),
                &quote::quote!(fn f(#noise) {}),
                "",
            )),
            _ => drop(guard::public(noise.clone(), &noise)),
        }
    }
}
