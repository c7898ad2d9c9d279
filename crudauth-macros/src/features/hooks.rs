//! `#[hooks(path::Type)]`: the application's hooks.

use syn::Path;

use quote::quote;
use syn::spanned::Spanned;

use crate::diag::Cx;
use crate::features::Section;
use crate::model::{App, Feature, Parts};
use crate::read::section::{Input, Key};
use crate::tokens::need;

/// The section.
pub(crate) struct Hooks {
    path: Path,
}

impl Section for Hooks {
    const NAME: &'static str = "hooks";
    const DOC: &'static str = "The application's hooks: one type, as in `#[hooks(path::Type)]`.";
    const KEYS: &'static [Key] = &[];

    fn read(cx: &Cx, input: &Input) -> Option<Self> {
        if let Ok(path) = syn::parse2(input.tokens.clone()) {
            Some(Self { path })
        } else {
            let what = "`#[hooks]` takes the path of one type that implements `Hooks`";
            cx.error_on(&input.path, what, "write `#[hooks(MyHooks)]`");
            None
        }
    }
}

impl Feature for Hooks {
    fn expand(&self, app: &App) -> Parts {
        let (path, user) = (&self.path, &app.user);
        Parts {
            hooks: Some(path.clone()),
            needs: need(path.span(), &quote!(__p::need_hooks::<#path, #user>();)),
            ..Parts::default()
        }
    }
}
