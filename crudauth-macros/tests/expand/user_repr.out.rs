///The application's own columns of a new [`Person`]: what the client may set at sign-up, and what the `new_user` hook may fill.
#[allow(dead_code, private_interfaces)]
#[derive(::core::fmt::Debug, ::core::clone::Clone)]
struct PersonColumns {
    ///`ticket` of the new row.
    pub ticket: Option<Uuid>,
}
const _: () = {
    use ::crudauth::__private as __p;
    #[automatically_derived]
    impl __p::AuthUser for Person {
        type Id = PersonId;
        type Columns = PersonColumns;
        const TABLE: __p::Table = __p::Table {
            schema: ::core::option::Option::None,
            name: "persons",
            columns: &[
                __p::ColumnDef {
                    field: "id",
                    name: "id",
                    role: __p::Role::Id,
                    fill: if <<PersonId as __p::AccountKey>::Inner as __p::RawKey>::GENERATED {
                        __p::Fill::Library
                    } else {
                        __p::Fill::Database
                    },
                    nullable: false,
                    unique: false,
                    repr: ::core::option::Option::Some(__p::Repr::Hyphenated),
                    register: false,
                    max_length: ::core::option::Option::None,
                    provider: ::core::option::Option::None,
                },
                __p::ColumnDef {
                    field: "username",
                    name: "username",
                    role: __p::Role::Username,
                    fill: __p::Fill::Library,
                    nullable: false,
                    unique: false,
                    repr: ::core::option::Option::None,
                    register: false,
                    max_length: ::core::option::Option::None,
                    provider: ::core::option::Option::None,
                },
                __p::ColumnDef {
                    field: "password_hash",
                    name: "password_hash",
                    role: __p::Role::PasswordHash,
                    fill: __p::Fill::Library,
                    nullable: false,
                    unique: false,
                    repr: ::core::option::Option::None,
                    register: false,
                    max_length: ::core::option::Option::None,
                    provider: ::core::option::Option::None,
                },
                __p::ColumnDef {
                    field: "ticket",
                    name: "ticket",
                    role: __p::Role::Own,
                    fill: __p::Fill::Columns,
                    nullable: true,
                    unique: false,
                    repr: ::core::option::Option::Some(__p::Repr::Simple),
                    register: true,
                    max_length: ::core::option::Option::None,
                    provider: ::core::option::Option::None,
                },
                __p::ColumnDef {
                    field: "badge",
                    name: "badge",
                    role: __p::Role::Own,
                    fill: __p::Fill::Database,
                    nullable: false,
                    unique: false,
                    repr: ::core::option::Option::Some(__p::Repr::Blob),
                    register: false,
                    max_length: ::core::option::Option::None,
                    provider: ::core::option::Option::None,
                },
                __p::ColumnDef {
                    field: "plain",
                    name: "plain",
                    role: __p::Role::Own,
                    fill: __p::Fill::Database,
                    nullable: false,
                    unique: false,
                    repr: ::core::option::Option::Some(__p::Repr::Blob),
                    register: false,
                    max_length: ::core::option::Option::None,
                    provider: ::core::option::Option::None,
                },
            ],
        };
        fn id(&self) -> &Self::Id {
            &self.id
        }
        fn account(&self) -> __p::Account<'_> {
            __p::Account {
                email: ::core::option::Option::None,
                username: __p::TextColumn::text(&self.username),
                password_hash: __p::HashColumn::hash(&self.password_hash),
                email_verified: ::core::option::Option::None,
                factor: ::core::option::Option::None,
                verified: ::core::option::Option::None,
                is_active: true,
                is_superuser: false,
                token_version: 0,
            }
        }
    }
    #[automatically_derived]
    impl<__D: __p::Dialect> __p::UserRow<__D> for Person
    where
        __p::Hyphenated: __p::Column<__D>,
        String: __p::Column<__D>,
        PasswordHash: __p::Column<__D>,
        ::core::option::Option<__p::Simple>: __p::Column<__D>,
        __p::Uuid: __p::Column<__D>,
        Uuid: __p::Column<__D>,
    {
        type Key = __p::Hyphenated;
        fn read(row: &__D::Row, first: usize) -> __p::Result<Self> {
            ::core::result::Result::Ok(Self {
                id: <PersonId as __p::AccountKey>::from_inner(
                    <__p::Hyphenated as __p::Keeps<
                        <PersonId as __p::AccountKey>::Inner,
                    >>::into_value(
                        <__p::Hyphenated as __p::Column<__D>>::read(row, first)?,
                    ),
                ),
                username: <String as __p::Column<__D>>::read(row, first + 1usize)?,
                password_hash: <PasswordHash as __p::Column<
                    __D,
                >>::read(row, first + 2usize)?,
                ticket: <::core::option::Option<
                    __p::Simple,
                > as __p::Keeps<
                    Option<Uuid>,
                >>::into_value(
                    <::core::option::Option<
                        __p::Simple,
                    > as __p::Column<__D>>::read(row, first + 3usize)?,
                ),
                badge: <__p::Uuid as __p::Keeps<
                    Uuid,
                >>::into_value(
                    <__p::Uuid as __p::Column<__D>>::read(row, first + 4usize)?,
                ),
                plain: <Uuid as __p::Column<__D>>::read(row, first + 5usize)?,
            })
        }
        fn bind(
            new: &__p::NewAccount<Self>,
            args: &mut __p::Args<__D>,
        ) -> __p::Result<()> {
            if let ::core::option::Option::Some(id) = &new.id {
                __p::Column::<
                    __D,
                >::add(
                    &*<__p::Hyphenated as __p::Keeps<
                        <PersonId as __p::AccountKey>::Inner,
                    >>::keep(<PersonId as __p::AccountKey>::as_inner(id)),
                    args,
                )?;
            }
            __p::bind_text::<__D, String>(new.username.as_deref(), args)?;
            __p::bind_hash::<__D, PasswordHash>(&new.password_hash, args)?;
            __p::Column::<
                __D,
            >::add(
                &*<::core::option::Option<
                    __p::Simple,
                > as __p::Keeps<Option<Uuid>>>::keep(&new.columns.ticket),
                args,
            )?;
            ::core::result::Result::Ok(())
        }
        fn types() -> ::std::vec::Vec<__D::TypeInfo> {
            ::std::vec![
                < __p::Hyphenated as __p::Column < __D >> ::type_info(), < String as
                __p::Column < __D >> ::type_info(), < PasswordHash as __p::Column < __D
                >> ::type_info(), < ::core::option::Option < __p::Simple > as __p::Column
                < __D >> ::type_info(), < __p::Uuid as __p::Column < __D >>
                ::type_info(), < Uuid as __p::Column < __D >> ::type_info()
            ]
        }
    }
    #[automatically_derived]
    impl<'__r, __R: __p::sqlx::Row> __p::sqlx::FromRow<'__r, __R> for Person
    where
        &'static str: __p::sqlx::ColumnIndex<__R>,
        __p::Hyphenated: __p::sqlx::Decode<'__r, __R::Database>
            + __p::sqlx::Type<__R::Database>,
        String: __p::sqlx::Decode<'__r, __R::Database> + __p::sqlx::Type<__R::Database>,
        PasswordHash: __p::sqlx::Decode<'__r, __R::Database>
            + __p::sqlx::Type<__R::Database>,
        ::core::option::Option<
            __p::Simple,
        >: __p::sqlx::Decode<'__r, __R::Database> + __p::sqlx::Type<__R::Database>,
        __p::Uuid: __p::sqlx::Decode<'__r, __R::Database>
            + __p::sqlx::Type<__R::Database>,
        Uuid: __p::sqlx::Decode<'__r, __R::Database> + __p::sqlx::Type<__R::Database>,
    {
        fn from_row(row: &'__r __R) -> ::core::result::Result<Self, __p::sqlx::Error> {
            ::core::result::Result::Ok(Self {
                id: <PersonId as __p::AccountKey>::from_inner(
                    <__p::Hyphenated as __p::Keeps<
                        <PersonId as __p::AccountKey>::Inner,
                    >>::into_value(row.try_get::<__p::Hyphenated, &'static str>("id")?),
                ),
                username: row.try_get::<String, &'static str>("username")?,
                password_hash: row
                    .try_get::<PasswordHash, &'static str>("password_hash")?,
                ticket: <::core::option::Option<
                    __p::Simple,
                > as __p::Keeps<
                    Option<Uuid>,
                >>::into_value(
                    row
                        .try_get::<
                            ::core::option::Option<__p::Simple>,
                            &'static str,
                        >("ticket")?,
                ),
                badge: <__p::Uuid as __p::Keeps<
                    Uuid,
                >>::into_value(row.try_get::<__p::Uuid, &'static str>("badge")?),
                plain: row.try_get::<Uuid, &'static str>("plain")?,
            })
        }
    }
    #[automatically_derived]
    impl __p::NewColumns for PersonColumns {
        fn from_body<__B: __p::Body>(body: &mut __B) -> ::core::option::Option<Self> {
            let __ticket = __p::Body::optional::<Uuid>(body, "ticket");
            ::core::option::Option::Some(Self { ticket: __ticket? })
        }
    }
    #[automatically_derived]
    impl ::core::default::Default for PersonColumns {
        fn default() -> Self {
            Self {
                ticket: <Option<Uuid> as ::core::default::Default>::default(),
            }
        }
    }
    #[automatically_derived]
    impl __p::HasUsername for Person {}
    #[automatically_derived]
    impl __p::HasPassword for Person {}
    #[automatically_derived]
    impl __p::HasRoomForTokens for Person {}
    #[allow(dead_code)]
    #[automatically_derived]
    impl Person {
        /// The `CREATE TABLE` statement for this struct, for development and tests; empty for a product that cannot
        /// store it.
        #[must_use = "the text has to be run"]
        pub fn create_table_sql(dialect: __p::DialectName) -> ::std::string::String {
            #[allow(unused_imports)]
            use __p::{Storable as _, Unstorable as _};
            __p::create_table(
                dialect,
                &[
                    (&__p::Probe::<Self, __p::product::Sqlite>::NEW).create_table(),
                    (&__p::Probe::<Self, __p::product::Postgres>::NEW).create_table(),
                ],
            )
        }
    }
    const _: fn() = || {
        __p::need_key::<PersonId>();
        __p::need_text::<String>();
        __p::need_hash::<PasswordHash>();
    };
};
