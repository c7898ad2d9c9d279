//! The two registries agree: a section of the `auth!` block that mounts routes or carries a sign-in has its folder in
//! the runtime, and every folder there belongs to a section. Whoever adds one adds its row here.

use std::collections::BTreeSet;
use std::path::Path;

use crudauth::transport::{Caller, OwnTransport, Parts};
use crudauth::{AuthUser, Authority, PasswordHash, Problem, auth};
use crudauth_runtime::features::REGISTRY;

/// Every section, and the features of the runtime that it brings. A section without one sets values of the policy, or
/// names types of the application.
const SECTIONS: &[(&str, &[&str])] = &[
    ("password", &["account"]), // in every block, whether it is written or not
    ("session", &["session"]),
    ("bearer", &["bearer"]),
    ("transport", &[]),
    ("lockout", &[]),
    ("rate_limit", &[]),
    ("email", &["recovery", "email_change"]),
    ("channel", &["recovery"]),
    ("sudo", &["sudo"]),
    ("oauth", &["oauth"]),
    ("proxy", &[]),
    ("database", &[]),
    ("tables", &[]),
    ("hooks", &[]),
    ("allow", &[]),
];

/// An account.
#[derive(Debug, Clone, AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[session]
    #[bearer]
    #[transport(ApiKeys)]
    #[password]
    #[lockout]
    #[rate_limit]
    #[email(frontend_url = "https://app.example.com")]
    #[channel]
    #[sudo]
    #[oauth(google)]
    #[proxy(trusted_hops = 1)]
    #[database(sqlite)]
    #[tables]
    #[hooks(NoHooks)]
    #[allow(reason = "nothing")]
    pub struct Everything<User>;
}

auth! {
    pub struct Nothing<User>;
}

auth! {
    #[channel]
    pub struct Delivering<User>;
}

/// Hooks that do nothing.
#[derive(Debug)]
pub struct NoHooks;

impl crudauth::Hooks<User> for NoHooks {}

/// A transport that finds nobody.
#[derive(Debug)]
pub struct ApiKeys;

impl OwnTransport<Everything> for ApiKeys {
    const NAME: &'static str = "api_key";

    async fn authenticate(
        _: &Everything,
        _: &Parts,
    ) -> Result<Option<Caller<Everything>>, Problem> {
        Ok(None)
    }
}

fn brought() -> BTreeSet<&'static str> {
    SECTIONS
        .iter()
        .flat_map(|(_, features)| *features)
        .copied()
        .collect()
}

#[test]
fn every_section_of_the_macros_is_listed() {
    let names: &[&str] = crudauth_macros::__feature_names!();
    let listed: Vec<_> = SECTIONS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, listed);
}

#[test]
fn every_feature_of_the_runtime_belongs_to_a_section() {
    let registered: BTreeSet<_> = REGISTRY.iter().map(|spec| spec.name).collect();
    assert_eq!(registered, brought());
    assert_eq!(registered.len(), REGISTRY.len());
}

/// The routes of `#[oauth]` can be moved, and must meet none of the others.
#[test]
fn the_macros_know_where_every_other_route_begins() {
    let taken: &[&str] = crudauth_macros::__taken_segments!();
    let others = REGISTRY.iter().filter(|spec| spec.name != "oauth");
    let paths = others.flat_map(|spec| spec.routes).map(|route| route.path);
    let begun: BTreeSet<_> = paths.map(|path| path.split('/').nth(1).unwrap()).collect();
    assert_eq!(taken, begun.into_iter().collect::<Vec<_>>());
}

#[test]
fn every_folder_of_the_runtime_is_registered() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("crudauth-runtime/src/features");
    let folders: BTreeSet<String> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(folders, brought().into_iter().map(str::to_owned).collect());
}

#[test]
fn a_block_with_every_section_mounts_every_feature_once() {
    let mounted: BTreeSet<_> = Everything::FEATURES
        .iter()
        .map(|feature| feature.spec.name)
        .collect();
    assert_eq!(mounted, brought());
    assert_eq!(mounted.len(), Everything::FEATURES.len());
    let transports: Vec<_> = Everything::TRANSPORTS
        .iter()
        .map(|transport| transport.name)
        .collect();
    assert_eq!(transports, ["session", "bearer", "api_key"]);
}

#[test]
fn a_block_that_delivers_itself_recovers_and_changes_no_address() {
    let mounted: BTreeSet<_> = Delivering::FEATURES
        .iter()
        .map(|feature| feature.spec.name)
        .collect();
    assert_eq!(mounted, BTreeSet::from(["account", "recovery", "session"]));
    assert_eq!(mounted.len(), Delivering::FEATURES.len());
}

#[test]
fn a_block_that_says_nothing_has_accounts_and_sessions() {
    let mounted: Vec<_> = Nothing::FEATURES
        .iter()
        .map(|feature| feature.spec.name)
        .collect();
    assert_eq!(mounted, ["account", "session"]);
    let transports: Vec<_> = Nothing::TRANSPORTS
        .iter()
        .map(|transport| transport.name)
        .collect();
    assert_eq!(transports, ["session"]);
}
