//! Step 1 for the `auth!` block: attributes, visibility, name and account type. Above the features, because the
//! registry says which sections there are.

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Ident, Meta, Token, Type, Visibility};

use crate::diag::{Cx, spelled};
use crate::features;
use crate::model::{App, Declared};
use crate::read::krate;
use crate::read::section::Input;

/// The item in the block, before its attributes are read.
struct Item {
    attrs: Vec<Attribute>,
    vis: Visibility,
    name: Ident,
    user: Option<Type>,
    /// What stands where nothing should.
    rest: TokenStream,
}

/// What is left when the block could not be understood.
pub(crate) enum Block {
    Read(Box<App>),
    /// Enough to emit a type of that name.
    Name(Visibility, Ident),
    Nothing,
}

/// Reads the block and every section in it.
pub(crate) fn block(cx: &Cx, tokens: TokenStream) -> Block {
    let item = match item.parse2(tokens.clone()) {
        Ok(item) => item,
        Err(error) => {
            let text = format!(
                "`auth!` cannot read this block ({error}); write `auth! {{ pub struct Auth<User>; }}`"
            );
            cx.push(syn::Error::new(error.span(), text));
            return name_in(tokens).map_or(Block::Nothing, |name| {
                Block::Name(Visibility::Inherited, name)
            });
        }
    };
    if !item.rest.is_empty() {
        cx.error_on(
            &item.rest,
            "`auth!` takes one item, and this comes after it",
            "remove it; sections are attributes above `pub struct Auth<User>;`",
        );
    }
    let mut found = Attributes::default();
    for attr in item.attrs {
        found.read(cx, attr);
    }
    let Some(user) = item.user else {
        let name = &item.name;
        cx.error_on(
            name,
            "`auth!` needs the account type",
            format!("write `pub struct {name}<User>;`"),
        );
        return Block::Name(item.vis, item.name);
    };
    features::complete(&mut found.sections);
    Block::Read(Box::new(App {
        krate: found.krate.unwrap_or_else(krate::default),
        docs: found.docs,
        vis: item.vis,
        name: item.name,
        user,
        sections: found.sections,
    }))
}

fn item(input: ParseStream) -> syn::Result<Item> {
    let attrs = input.call(Attribute::parse_outer)?;
    let vis = input.parse()?;
    input.parse::<Option<Token![struct]>>()?;
    let name: Ident = input.parse()?;
    let user = if input.parse::<Option<Token![<]>>()?.is_some() {
        let user = input.parse()?;
        input.parse::<Option<Token![,]>>()?;
        if !input.peek(Token![>]) {
            return Err(input.error("an authority has one account type"));
        }
        input.parse::<Token![>]>()?;
        Some(user)
    } else {
        None
    };
    input.parse::<Option<Token![;]>>()?;
    Ok(Item {
        attrs,
        vis,
        name,
        user,
        rest: input.parse()?,
    })
}

/// The first identifier followed by `<`: most likely the type's name.
fn name_in(tokens: TokenStream) -> Option<Ident> {
    let mut last = None;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => last = Some(ident),
            TokenTree::Punct(punct) if punct.as_char() == '<' => return last,
            _ => last = None,
        }
    }
    None
}

#[derive(Default)]
struct Attributes {
    docs: Vec<Attribute>,
    krate: Option<syn::Path>,
    sections: Vec<Declared>,
    seen: Vec<&'static str>,
}

impl Attributes {
    fn read(&mut self, cx: &Cx, attr: Attribute) {
        let word = spelled(attr.path());
        match word.as_str() {
            "doc" => self.docs.push(attr),
            "crate" => {
                let tokens = match &attr.meta {
                    Meta::List(list) => list.tokens.clone(),
                    _ => TokenStream::new(),
                };
                self.krate = krate::read(cx, attr.path(), &tokens);
            }
            "cfg" | "cfg_attr" => cx.error_on(
                attr.path(),
                format!("`#[{word}]` inside `auth!` is never evaluated"),
                "put it above the `auth!` block, and write one block for each configuration",
            ),
            "derive" => cx.error_on(
                attr.path(),
                "`auth!` makes the type, which is `Clone` and `Debug` already",
                "remove `#[derive(…)]`",
            ),
            _ => self.section(cx, attr, &word),
        }
    }

    fn section(&mut self, cx: &Cx, attr: Attribute, word: &str) {
        let Some(row) = features::ALL.iter().find(|row| row.name == word) else {
            cx.unknown_key("`auth!`", attr.path(), &features::names());
            return;
        };
        if self.seen.contains(&row.name) {
            cx.error_on(
                attr.path(),
                format!("`#[{word}]` is given twice"),
                "merge the keys into one",
            );
            return;
        }
        self.seen.push(row.name);
        let Some(input) = Input::new(cx, attr.meta) else {
            return;
        };
        if let Some(feature) = (row.read)(cx, &input) {
            self.sections.push(Declared {
                name: row.name,
                transport: row.transport,
                feature,
            });
        }
    }
}
