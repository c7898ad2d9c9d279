//! Who an OpenID provider says that it is.

use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::addresses::{Reach, endpoint};

/// The issuer that was configured, and what it may call itself.
pub(super) struct Issuer {
    /// What its metadata must declare.
    declared: String,
    metadata: Url,
    tenants: Option<Tenants>,
    /// Whether its keys say for whom they sign.
    names_signers: bool,
}

/// Microsoft: an issuer that stands for many, each of which signs in its own name.
struct Tenants {
    /// What comes before the id of the tenant; `/v2.0` comes after.
    base: String,
    /// Whether the accounts of private people are among them.
    personal: bool,
}

/// The tenant in which Microsoft keeps the accounts of private people.
pub(super) const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

const VERSION: &str = "/v2.0";

const METADATA: &str = "/.well-known/openid-configuration";

impl Issuer {
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub(super) fn new(configured: &str) -> Result<Self, &'static str> {
        let reach = Url::parse(configured).map_or(Reach::Public, |url| Reach::of(&url));
        let url = endpoint(configured, reach)
            .filter(|url| url.query().is_none())
            .ok_or("it is an https URL without query and fragment (http on loopback only)")?;
        // OpenID Connect Discovery §4: less the slash at the end.
        let path = url.path().trim_end_matches('/');
        if path.ends_with(METADATA) {
            return Err(
                "it is where the provider publishes its metadata; leave `/.well-known/openid-configuration` out",
            );
        }
        let mut metadata = url.clone();
        metadata.set_path(&format!("{path}{METADATA}"));
        Ok(Self {
            declared: configured.to_owned(),
            metadata,
            tenants: None,
            names_signers: false,
        })
    }

    /// An issuer of Microsoft's: `https://login.microsoftonline.com/{tenant}/v2.0`.
    pub(super) fn microsoft(configured: &str) -> Result<Self, &'static str> {
        const FORM: &str = "it has the form `https://login.microsoftonline.com/{tenant}/v2.0`, the tenant being an id, `common`, `organizations` or `consumers`";
        let mut issuer = Self::new(configured)?;
        issuer.names_signers = true;
        let (base, tenant) = configured
            .strip_suffix(VERSION)
            .and_then(|rest| rest.rsplit_once('/'))
            .ok_or(FORM)?;
        match tenant {
            "common" | "organizations" => {
                issuer.declared = format!("{base}/{{tenantid}}{VERSION}");
                issuer.tenants = Some(Tenants {
                    base: format!("{base}/"),
                    personal: tenant == "common",
                });
            }
            "consumers" => issuer.declared = format!("{base}/{PERSONAL}{VERSION}"),
            // Under a domain of its own, a tenant's metadata declares the id.
            id if Uuid::try_parse(id).is_err() => return Err(FORM),
            _ => {}
        }
        Ok(issuer)
    }

    /// Whether each of several tenants signs in its own name.
    pub(super) const fn stands_for_many(&self) -> bool {
        self.tenants.is_some()
    }

    pub(super) const fn metadata_url(&self) -> &Url {
        &self.metadata
    }

    pub(super) fn declared(&self) -> &str {
        &self.declared
    }

    /// Whether an answer that names `issuer` is from here (RFC 9207 §2.4).
    pub(super) fn admits(&self, issuer: &str) -> bool {
        issuer == self.declared || self.tenant_of(issuer).is_some()
    }

    /// Whether an `id_token` that `issuer` made out, with these claims, is from here.
    pub(super) fn signs_as(&self, issuer: &str, tid: Option<&Value>) -> bool {
        if self.tenants.is_none() {
            return issuer == self.declared;
        }
        let tenant = self.tenant_of(issuer);
        tenant.is_some() && tenant == tid.and_then(Value::as_str)
    }

    /// Whether a key of which the set says this as its `issuer` may sign for `issuer`. Microsoft's sets hold keys of every tenant,
    /// under `{tenantid}`, beside keys of one, whose holder could otherwise sign for all of them.
    pub(super) fn signs_with(
        &self,
        key: Option<&Value>,
        issuer: &str,
        tid: Option<&Value>,
    ) -> bool {
        let Some(key) = key.filter(|_| self.names_signers) else {
            return true;
        };
        match (key.as_str(), tid.and_then(Value::as_str)) {
            (Some(key), Some(tid)) => key.replace("{tenantid}", tid) == issuer,
            (Some(key), None) => key == issuer,
            (None, _) => false,
        }
    }

    /// The tenant that `issuer` names, if this issuer stands for it.
    fn tenant_of<'a>(&self, issuer: &'a str) -> Option<&'a str> {
        let tenants = self.tenants.as_ref()?;
        let id = issuer.strip_prefix(&tenants.base)?.strip_suffix(VERSION)?;
        // One spelling for each, or one account had several issuers.
        let plain = Uuid::try_parse(id).ok()?.hyphenated().to_string() == id;
        (plain && (tenants.personal || id != PERSONAL)).then_some(id)
    }
}
