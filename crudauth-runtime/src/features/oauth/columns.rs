//! Identities in columns of the application's own: what cannot be kept there.

use crate::account::{AuthUser, Role, Table};
use crate::error::{Error, Result};
use crate::oauth::Clients;
use crate::policy::ProviderPolicy;
use crate::store::text::{Text, eq};

/// Does not compile where a column is to hold the identities of a provider that the block does not declare.
///
/// # Panics
/// Then: in the compiler, where that is an error message.
#[expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "bounded by the loops' conditions; runs in the compiler"
)]
pub const fn declared(table: &Table, providers: &[ProviderPolicy]) {
    let mut at = 0;
    while at < table.columns.len() {
        let column = &table.columns[at];
        at += 1;
        let (Role::Identity, Some(provider)) = (column.role, column.provider) else {
            continue;
        };
        let (mut known, mut other) = (false, 0);
        while other < providers.len() {
            known |= eq(providers[other].name, provider);
            other += 1;
        }
        if !known {
            let text = Text::of(&[
                "the field `",
                column.field,
                "` is marked `identity = \"",
                provider,
                "\"`, and `#[oauth]` declares no provider of that name: declare it, or correct the mark",
            ]);
            panic!("{}", text.as_str());
        }
    }
}

/// Stops the start where subjects of several issuers would share a column: the same text may mean another person at each.
pub(crate) fn one_issuer<U: AuthUser>(clients: &Clients) -> Result<()> {
    let say = |client: &crate::oauth::Client| {
        let column = U::TABLE.identity(client.name())?;
        client.has_many_issuers().then(|| {
            format!(
                "`{name}` signs in for many tenants, each of which names people for itself, and the field `{}` says of none which: give \
                 `.{name}(…)` the issuer of one tenant, or take `identity` off the field",
                column.field,
                name = client.name(),
            )
        })
    };
    let problems: Vec<_> = clients.iter().filter_map(say).collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::Config(problems))
}
