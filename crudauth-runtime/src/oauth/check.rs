//! From settings to clients: every mistake is found at start, and all of them at once.

use std::sync::Arc;

use url::Url;

use super::addresses::{Reach, endpoint};
use super::apple::AppleSigner;
use super::clients::{Client, Speaks};
use super::credentials::ClientSecret;
use super::discord::{self, Discord};
use super::github::{self, GitHub};
use super::http::Caller;
use super::issuer::Issuer;
use super::openid::OpenId;
use super::plain::Plain;
use super::secret::{ProofKind, Prover};
use super::settings::{Registered, Settings};
use super::{Credentials, HttpClient};
use crate::policy::{OAuthPolicy, ProviderKind, ProviderPolicy};

/// Everything that is wrong, one line each.
type Wrong = Vec<String>;

/// The public URL without a slash at the end, and a client for each declared provider.
pub(super) fn clients(
    policy: &OAuthPolicy,
    settings: Settings,
) -> Result<(String, Vec<Client>), Wrong> {
    let mut wrong = Wrong::new();
    let public_url = public_url(&settings.public_url).unwrap_or_else(|why| {
        wrong.push(why);
        String::new()
    });
    let mut registered = settings.registered;
    let mut all = Vec::new();
    for declared in policy.providers {
        let is_it =
            |one: &mut Registered| (one.kind, one.name.as_str()) == (declared.kind, declared.name);
        let mut found = registered.extract_if(.., is_it);
        match (found.next(), found.count()) {
            (None, _) => wrong.push(format!(
                "the block declares `{}`, and there are no credentials for it; call {}",
                declared.name,
                Registered::call(declared.kind, declared.name)
            )),
            (Some(_), 1..) => wrong.push(format!(
                "{} is called more than once",
                Registered::call(declared.kind, declared.name)
            )),
            (Some(one), 0) => match client(declared, one, settings.http.clone()) {
                Ok(client) => all.push(client),
                Err(lines) => wrong.extend(
                    lines
                        .into_iter()
                        .map(|line| format!("`{}`: {line}", declared.name)),
                ),
            },
        }
    }
    wrong.extend(registered.iter().map(|one| {
        let call = Registered::call(one.kind, &one.name);
        format!("{call} is called, and the block does not declare it in `#[oauth(…)]`")
    }));
    if wrong.is_empty() {
        Ok((public_url, all))
    } else {
        Err(wrong)
    }
}

fn public_url(text: &str) -> Result<String, String> {
    let reach = Url::parse(text).map_or(Reach::Public, |url| Reach::of(&url));
    let url = endpoint(text, reach).filter(|url| url.query().is_none());
    let url = url.ok_or_else(|| {
        format!(
            "the public URL `{}` is not an https URL without query and fragment (http on loopback only); write `.public_url(\"https://app.example.com\")`",
            text.escape_debug()
        )
    })?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn client(
    policy: &'static ProviderPolicy,
    registered: Registered,
    http: Option<Arc<dyn HttpClient>>,
) -> Result<Client, Wrong> {
    let Registered {
        kind,
        credentials,
        own,
        ..
    } = registered;
    let mut wrong = Wrong::new();
    if credentials.client_id.trim().is_empty() || credentials.client_id.contains(char::is_control) {
        wrong.push("the client id is empty, or has control characters".to_owned());
    }
    let given = credentials.scopes.as_deref();
    if given.is_some_and(|scopes| !scopes.iter().all(|scope| is_scope(scope))) {
        wrong.push("a scope is empty, or has a space or another character that RFC 6749 §3.3 keeps out of scopes; give them one by one".to_owned());
    }
    let found = match (kind, own) {
        (ProviderKind::Own, Some(own)) => {
            if credentials.issuer.is_some() {
                wrong.push(
                    "what the provider is comes from `impl OAuthProvider`; leave `.issuer(…)` out"
                        .to_owned(),
                );
            }
            Plain::new(own).map(|plain| (plain.reach(), Speaks::Plain(Box::new(plain))))
        }
        (ProviderKind::GitHub, _) => github(&credentials).map_err(|why| vec![why]),
        (ProviderKind::Discord, _) => base(&credentials, discord::ORIGIN)
            .and_then(|base| well_known(Plain::new(Box::new(Discord::new(&base)))))
            .map_err(|why| vec![why]),
        _ => openid(kind, &credentials).map_err(|why| vec![why]),
    };
    let found = found.map_err(|lines| wrong.extend(lines)).ok();
    let scopes = match (given, &found) {
        (Some(given), Some((_, Speaks::OpenId(_)))) => with_openid(given),
        (Some(given), _) => given.to_vec(),
        (None, Some((_, Speaks::Plain(plain)))) => owned(plain.scopes()),
        (None, _) if kind == ProviderKind::Apple => owned(&["openid", "email", "name"]),
        (None, _) => owned(&["openid", "email", "profile"]),
    };
    let proof = proof(kind, credentials)
        .map_err(|line| wrong.push(line))
        .ok();
    let caller = found.as_ref().map(|(reach, _)| Caller::new(http, *reach));
    let caller = caller.and_then(|caller| caller.map_err(|line| wrong.push(line)).ok());
    match (found, proof, caller) {
        (Some((_, speaks)), Some(prover), Some(caller)) if wrong.is_empty() => Ok(Client {
            policy,
            prover,
            scopes,
            speaks,
            caller,
        }),
        _ => Err(wrong),
    }
}

fn openid(kind: ProviderKind, credentials: &Credentials) -> Result<(Reach, Speaks), String> {
    let usual = usual_issuer(kind);
    let configured = credentials.issuer.as_deref().or(usual);
    let configured = configured
        .ok_or("it needs an issuer; write `Credentials::new(…, …).issuer(\"https://…\")`")?;
    let issuer = if kind == ProviderKind::Microsoft {
        Issuer::microsoft(configured)
    } else {
        Issuer::new(configured)
    };
    let issuer = issuer.map_err(|why| {
        format!(
            "the issuer `{}` cannot be used: {why}",
            configured.escape_debug()
        )
    })?;
    let reach = Reach::of(issuer.metadata_url());
    Ok((reach, Speaks::OpenId(Box::new(OpenId::new(issuer, kind)))))
}

fn usual_issuer(kind: ProviderKind) -> Option<&'static str> {
    match kind {
        ProviderKind::Google => Some("https://accounts.google.com"),
        ProviderKind::Microsoft => Some("https://login.microsoftonline.com/common/v2.0"),
        ProviderKind::Apple => Some("https://appleid.apple.com"),
        ProviderKind::GitLab => Some("https://gitlab.com"),
        _ => None,
    }
}

fn github(credentials: &Credentials) -> Result<(Reach, Speaks), String> {
    let base = base(credentials, github::ORIGIN)?;
    let plain = Plain::new(Box::new(GitHub::new(&base, credentials.scopes.as_deref())));
    // Its metadata (RFC 8414) has this for an issuer.
    well_known(plain.map(|plain| plain.alias(format!("{base}/login/oauth"))))
}

fn well_known(plain: Result<Plain, Wrong>) -> Result<(Reach, Speaks), String> {
    let plain = plain.map_err(|lines| lines.join("; "))?;
    Ok((plain.reach(), Speaks::Plain(Box::new(plain))))
}

/// Where a provider is that has no metadata, without a slash at the end.
fn base(credentials: &Credentials, usual: &str) -> Result<String, String> {
    let configured = credentials.issuer.as_deref().unwrap_or(usual);
    Issuer::new(configured).map_err(|why| {
        format!(
            "the issuer `{}` cannot be used: {why}",
            configured.escape_debug()
        )
    })?;
    Ok(configured.trim_end_matches('/').to_owned())
}

fn proof(kind: ProviderKind, credentials: Credentials) -> Result<Prover, String> {
    let Credentials {
        client_id,
        secret,
        issuer,
        ..
    } = credentials;
    let apple = kind == ProviderKind::Apple;
    let proof = match secret {
        ClientSecret::Apple(_) if !apple => {
            return Err(
                "`Credentials::apple(…)` is for `apple`; write `Credentials::new(…)`".to_owned(),
            );
        }
        ClientSecret::Apple(key) => {
            if key.team_id.trim().is_empty() {
                return Err("the team id is empty".to_owned());
            }
            let audience = issuer.or(usual_issuer(kind).map(str::to_owned));
            let signer = AppleSigner::new(&key, audience.unwrap_or_default()).map_err(|_| {
                "the key or its id cannot be used: the key is the whole text of the `.p8` file, which begins with `-----BEGIN PRIVATE KEY-----`, and its id has 1 to 64 visible characters"
            })?;
            ProofKind::Apple(Box::new(signer))
        }
        _ if apple => {
            return Err("Apple takes no fixed client secret; write `Credentials::apple(client_id, team_id, key_id, private_key)`".to_owned());
        }
        ClientSecret::Public => ProofKind::Public,
        ClientSecret::Shared(secret) => ProofKind::Shared(secret),
    };
    Ok(Prover::new(client_id, proof))
}

/// RFC 6749 §3.3, `scope-token`.
fn is_scope(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

fn with_openid(given: &[String]) -> Vec<String> {
    let mut scopes = given.to_vec();
    if !scopes.iter().any(|scope| scope == "openid") {
        scopes.insert(0, "openid".to_owned());
    }
    scopes
}

fn owned(scopes: &[&str]) -> Vec<String> {
    scopes.iter().copied().map(str::to_owned).collect()
}
