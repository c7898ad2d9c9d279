#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

// The macros name `::crudauth`; so do the examples in our own documentation.
extern crate self as crudauth;

pub use crudauth_macros::{AuthUser, auth, public, require};
pub use crudauth_runtime::account::{
    self, AccountKey, HasActive, HasEmail, HasEmailVerified, HasPassword, HasRecovery, HasSuperuser,
};
pub use crudauth_runtime::account::{HasTokenVersion, HasUsername, HasVerified, RecoversByEmail};
pub use crudauth_runtime::authority::Authority;
pub use crudauth_runtime::builder::{self, Builder};
pub use crudauth_runtime::crypto::PasswordHash;
pub use crudauth_runtime::error::{Error, Result};
pub use crudauth_runtime::features::{bearer, session, sudo};
pub use crudauth_runtime::guard::{Gate, Verdict};
pub use crudauth_runtime::handles::{CreateError, CreateUser, SessionInfo};
pub use crudauth_runtime::hooks::{self, Hooks};
pub use crudauth_runtime::http::problem::Problem;
pub use crudauth_runtime::http::redirect::safe_redirect_path;
pub use crudauth_runtime::http::serve::{Serve, serve};
pub use crudauth_runtime::identity::mask_email;
pub use crudauth_runtime::mail::{Channel, Mailer};
pub use crudauth_runtime::principal::{Principal, Public, resolve_principal, signed_in_recently};
pub use crudauth_runtime::routes::{RouteInfo, RouteTable};
pub use crudauth_runtime::start::verify_schema;
pub use crudauth_runtime::store::products::DialectName as Dialect;
pub use crudauth_runtime::toolbox::{
    PasswordOutcome, SignedIn, authenticate_password, refuse_cross_site, validate_password,
};
pub use crudauth_runtime::{routing, testing, transport};

#[doc(hidden)]
pub use crudauth_runtime::__private;

/// What access tokens are signed and verified with.
pub mod jwt {
    pub use crudauth_runtime::crypto::jws::{SigningKeys, VerifyingKey};
}

/// Signing in with an account at somebody else's: what a builder is given for `#[oauth(…)]`, and what `auth.oauth()` gives.
#[cfg(feature = "oauth")]
pub mod oauth {
    pub use crudauth_runtime::features::oauth::{HasOAuth, Identity, OAuthHandle, UnlinkError};
    pub use crudauth_runtime::oauth::{
        Api, AppleKey, BoxFuture, Credentials, Endpoints, Failure, HttpClient, HttpError,
        KeptTokens, OAuthProvider, Profile,
    };
}

/// Messages to the owner of an account: what they say, and who carries them.
pub mod mail {
    pub use crudauth_runtime::mail::{
        AT_ONCE, BoxFuture, Channel, ConsoleMailer, Content, Intent, JsonLinesMailer, Mailer,
        Message, MessageContext, MessageKind, PATIENCE, SendError, Templates,
    };
    #[cfg(feature = "smtp")]
    pub use crudauth_runtime::mail::{SmtpMailer, SmtpMailerBuilder};
}

pub mod guide;
