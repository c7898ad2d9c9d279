//! How a value is kept where the product has no type of its own for it: as what a column holds, and back.
//!
//! `#[auth(repr = …)]` names one of the column types of this file. Each product says in its own file what it makes of
//! them; one that has a type for UUIDs uses that type whatever the attribute says.

use std::borrow::Cow;

use uuid::Uuid;

use crate::account::Repr;

/// The form of a UUID that was found in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One that a field can be declared to have.
    Of(Repr),
    /// A text with or without dashes, with letters in upper case.
    UpperCase,
    /// A text without dashes, in a column that turns one of digits alone into a number.
    Unsafe,
    /// None of these.
    Unknown,
}

#[allow(dead_code, reason = "for products without a type of their own")]
impl Form {
    /// The form of a text.
    pub(crate) fn of_text(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let repr = if Hyphenated::parse(&lower).is_ok() {
            Repr::Hyphenated
        } else if Simple::parse(&lower).is_ok() {
            Repr::Simple
        } else {
            return Self::Unknown;
        };
        if lower == text {
            Self::Of(repr)
        } else {
            Self::UpperCase
        }
    }
}

/// A column type that holds a `T`. Every type holds itself, and at no cost.
#[diagnostic::on_unimplemented(
    message = "`repr` says how a UUID is kept, and `{T}` is none",
    label = "not a `Uuid`",
    note = "`repr` is for `Uuid`, `Option<Uuid>`, and a newtype over `Uuid` that is the account key"
)]
pub trait Keeps<T>: Clone {
    /// What the column holds for `value`.
    fn keep(value: &T) -> Cow<'_, Self>;

    /// The value, out of what the column held.
    fn into_value(self) -> T;
}

impl<T: Clone> Keeps<T> for T {
    fn keep(value: &T) -> Cow<'_, Self> {
        Cow::Borrowed(value)
    }

    fn into_value(self) -> T {
        self
    }
}

/// A UUID in a text.
pub trait UuidText: Copy {
    /// The form of `uuid`.
    fn of(uuid: Uuid) -> Self;
    /// The UUID.
    fn uuid(self) -> Uuid;
}

#[diagnostic::do_not_recommend] // the message above says all that is to be known
impl<F: UuidText> Keeps<Uuid> for F {
    fn keep(value: &Uuid) -> Cow<'_, Self> {
        Cow::Owned(F::of(*value))
    }

    fn into_value(self) -> Uuid {
        self.uuid()
    }
}

#[diagnostic::do_not_recommend]
impl<F: UuidText> Keeps<Option<Uuid>> for Option<F> {
    fn keep(value: &Option<Uuid>) -> Cow<'_, Self> {
        Cow::Owned(value.map(F::of))
    }

    fn into_value(self) -> Option<Uuid> {
        self.map(F::uuid)
    }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $format:ident, $len:literal, $otherwise:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name(pub Uuid);

        impl UuidText for $name {
            fn of(uuid: Uuid) -> Self {
                Self(uuid)
            }

            fn uuid(self) -> Uuid {
                self.0
            }
        }

        #[allow(dead_code, reason = "for products without a type of their own")]
        impl $name {
            /// As it is written.
            pub(crate) fn text(self) -> String {
                self.0.$format().to_string()
            }

            /// Reads that spelling and no other: SQL compares texts byte by byte, so a row that spells its UUID
            /// otherwise would be read by one statement and missed by the next.
            pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
                let same = |uuid: &Uuid| uuid.$format().encode_lower(&mut [0; $len]) == text;
                text.parse().ok().filter(same).map(Self).ok_or($otherwise)
            }
        }
    )*};
}

texts! {
    /// A UUID as 32 hexadecimal digits in lower case.
    Simple: simple, 32, "the text is not a UUID of 32 digits in lower case";
    /// A UUID as 36 characters: hexadecimal digits in lower case, and dashes.
    Hyphenated: hyphenated, 36, "the text is not a UUID with dashes in lower case";
}
