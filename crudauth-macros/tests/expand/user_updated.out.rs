///The application's own columns of a new [`User`]: what the client may set at sign-up, and what the `new_user` hook may fill.
#[allow(dead_code, private_interfaces)]
#[derive(::core::fmt::Debug, ::core::clone::Clone)]
struct UserColumns {}
const _: () = {
    use ::crudauth::__private as __p;
    #[automatically_derived]
    impl __p::AuthUser for User {
        type Id = i64;
        type Columns = UserColumns;
        const TABLE: __p::Table = __p::Table {
            schema: ::core::option::Option::None,
            name: "users",
            columns: &[
                __p::ColumnDef {
                    field: "id",
                    name: "id",
                    role: __p::Role::Id,
                    fill: if <<i64 as __p::AccountKey>::Inner as __p::RawKey>::GENERATED {
                        __p::Fill::Library
                    } else {
                        __p::Fill::Database
                    },
                    nullable: false,
                    unique: false,
                    repr: <<i64 as __p::AccountKey>::Inner as __p::RawKey>::REPR,
                    register: false,
                    max_length: ::core::option::Option::None,
                    provider: ::core::option::Option::None,
                },
                __p::ColumnDef {
                    field: "email",
                    name: "email",
                    role: __p::Role::Email,
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
                    field: "changed",
                    name: "changed",
                    role: __p::Role::UpdatedAt,
                    fill: __p::Fill::Library,
                    nullable: true,
                    unique: false,
                    repr: ::core::option::Option::None,
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
                email: __p::TextColumn::text(&self.email),
                username: ::core::option::Option::None,
                password_hash: __p::HashColumn::hash(&self.password_hash),
                email_verified: ::core::option::Option::None,
                factor: __p::TextColumn::text(&self.email),
                verified: ::core::option::Option::None,
                is_active: true,
                is_superuser: false,
                token_version: 0,
            }
        }
    }
    #[automatically_derived]
    impl<__D: __p::Dialect> __p::UserRow<__D> for User
    where
        <i64 as __p::AccountKey>::Inner: __p::Column<__D>,
        String: __p::Column<__D>,
        PasswordHash: __p::Column<__D>,
        Option<OffsetDateTime>: __p::Column<__D>,
    {
        type Key = <i64 as __p::AccountKey>::Inner;
        fn read(row: &__D::Row, first: usize) -> __p::Result<Self> {
            ::core::result::Result::Ok(Self {
                id: <i64 as __p::AccountKey>::from_inner(
                    <<i64 as __p::AccountKey>::Inner as __p::Column<
                        __D,
                    >>::read(row, first)?,
                ),
                email: <String as __p::Column<__D>>::read(row, first + 1usize)?,
                password_hash: <PasswordHash as __p::Column<
                    __D,
                >>::read(row, first + 2usize)?,
                changed: <Option<
                    OffsetDateTime,
                > as __p::Column<__D>>::read(row, first + 3usize)?,
            })
        }
        fn bind(
            new: &__p::NewAccount<Self>,
            args: &mut __p::Args<__D>,
        ) -> __p::Result<()> {
            if let ::core::option::Option::Some(id) = &new.id {
                __p::Column::<__D>::add(<i64 as __p::AccountKey>::as_inner(id), args)?;
            }
            __p::bind_text::<__D, String>(new.email.as_deref(), args)?;
            __p::bind_hash::<__D, PasswordHash>(&new.password_hash, args)?;
            __p::bind_instant::<__D, Option<OffsetDateTime>>(new.created_at, args)?;
            ::core::result::Result::Ok(())
        }
        fn types() -> ::std::vec::Vec<__D::TypeInfo> {
            ::std::vec![
                < < i64 as __p::AccountKey > ::Inner as __p::Column < __D >>
                ::type_info(), < String as __p::Column < __D >> ::type_info(), <
                PasswordHash as __p::Column < __D >> ::type_info(), < Option <
                OffsetDateTime > as __p::Column < __D >> ::type_info()
            ]
        }
        fn bind_updated(
            now: __p::Timestamp,
            args: &mut __p::Args<__D>,
        ) -> __p::Result<()> {
            __p::bind_instant::<__D, Option<OffsetDateTime>>(now, args)
        }
    }
    #[automatically_derived]
    impl<'__r, __R: __p::sqlx::Row> __p::sqlx::FromRow<'__r, __R> for User
    where
        &'static str: __p::sqlx::ColumnIndex<__R>,
        <i64 as __p::AccountKey>::Inner: __p::sqlx::Decode<'__r, __R::Database>
            + __p::sqlx::Type<__R::Database>,
        String: __p::sqlx::Decode<'__r, __R::Database> + __p::sqlx::Type<__R::Database>,
        PasswordHash: __p::sqlx::Decode<'__r, __R::Database>
            + __p::sqlx::Type<__R::Database>,
        Option<
            OffsetDateTime,
        >: __p::sqlx::Decode<'__r, __R::Database> + __p::sqlx::Type<__R::Database>,
    {
        fn from_row(row: &'__r __R) -> ::core::result::Result<Self, __p::sqlx::Error> {
            ::core::result::Result::Ok(Self {
                id: <i64 as __p::AccountKey>::from_inner(
                    row.try_get::<<i64 as __p::AccountKey>::Inner, &'static str>("id")?,
                ),
                email: row.try_get::<String, &'static str>("email")?,
                password_hash: row
                    .try_get::<PasswordHash, &'static str>("password_hash")?,
                changed: row.try_get::<Option<OffsetDateTime>, &'static str>("changed")?,
            })
        }
    }
    #[automatically_derived]
    impl __p::NewColumns for UserColumns {
        fn from_body<__B: __p::Body>(_body: &mut __B) -> ::core::option::Option<Self> {
            ::core::option::Option::Some(Self {})
        }
    }
    #[automatically_derived]
    impl ::core::default::Default for UserColumns {
        fn default() -> Self {
            Self {}
        }
    }
    #[automatically_derived]
    impl __p::HasEmail for User {}
    #[automatically_derived]
    impl __p::HasPassword for User {}
    #[automatically_derived]
    impl __p::HasRecovery for User {}
    #[automatically_derived]
    impl __p::RecoversByEmail for User {}
    #[automatically_derived]
    impl __p::HasRoomForTokens for User {}
    #[allow(dead_code)]
    #[automatically_derived]
    impl User {
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
        __p::need_key::<i64>();
        __p::need_text::<String>();
        __p::need_hash::<PasswordHash>();
        __p::need_instant::<Option<OffsetDateTime>>();
    };
};
