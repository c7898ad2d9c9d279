//! The database products there are, a line each. With a file beside this one that implements
//! [`Dialect`](super::dialect::Dialect), such a line is what a product takes.

/// Calls `$then!` with every product: its cargo feature (which is also its word in `#[database(…)]`), its module here, its
/// type, and what to call it.
macro_rules! each_product {
    ($then:ident) => {
        $then! {
            "sqlite", sqlite, Sqlite, "SQLite, embedded.";
            "postgres", postgres, Postgres, "PostgreSQL, 14 and later.";
        }
    };
}
pub(crate) use each_product;

macro_rules! names {
    ($($keyword:literal, $module:ident, $product:ident, $doc:literal;)+) => {
        /// A database product, by name. Those exist whose cargo feature is on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum DialectName {
            $(#[doc = $doc] #[cfg(feature = $keyword)] $product,)+
        }

        impl DialectName {
            /// The word for it in `#[database(…)]`.
            #[must_use]
            pub const fn keyword(self) -> &'static str {
                match self {
                    $(#[cfg(feature = $keyword)] Self::$product => $keyword,)+
                }
            }
        }
    };
}
each_product!(names);
