///The application's own columns of a new [`Member`]: what the client may set at sign-up, and what the `new_user` hook may fill.
#[allow(dead_code, private_interfaces)]
#[derive(::core::fmt::Debug, ::core::clone::Clone)]
struct MemberColumns {}
const _: () = {
    use ::crudauth::__private as __p;
    #[automatically_derived]
    impl __p::AuthUser for Member {
        type Id = MemberId;
        type Columns = MemberColumns;
        const TABLE: __p::Table = __p::Table {
            schema: ::core::option::Option::None,
            name: "members",
            columns: &[
                __p::ColumnDef {
                    field: "id",
                    name: "id",
                    role: __p::Role::Id,
                    fill: if <<MemberId as __p::AccountKey>::Inner as __p::RawKey>::GENERATED {
                        __p::Fill::Library
                    } else {
                        __p::Fill::Database
                    },
                    nullable: false,
                    unique: false,
                    repr: <<MemberId as __p::AccountKey>::Inner as __p::RawKey>::REPR,
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
                    field: "secret",
                    name: "secret",
                    role: __p::Role::PasswordHash,
                    fill: __p::Fill::Library,
                    nullable: false,
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
                email: ::core::option::Option::None,
                username: __p::TextColumn::text(&self.username),
                password_hash: __p::HashColumn::hash(&self.secret),
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
    impl<__D: __p::Dialect> __p::UserRow<__D> for Member
    where
        <MemberId as __p::AccountKey>::Inner: __p::Column<__D>,
        String: __p::Column<__D>,
        PasswordHash: __p::Column<__D>,
    {
        type Key = <MemberId as __p::AccountKey>::Inner;
        fn read(row: &__D::Row, first: usize) -> __p::Result<Self> {
            ::core::result::Result::Ok(Self {
                id: <MemberId as __p::AccountKey>::from_inner(
                    <<MemberId as __p::AccountKey>::Inner as __p::Column<
                        __D,
                    >>::read(row, first)?,
                ),
                username: <String as __p::Column<__D>>::read(row, first + 1usize)?,
                secret: <PasswordHash as __p::Column<__D>>::read(row, first + 2usize)?,
            })
        }
        fn bind(
            new: &__p::NewAccount<Self>,
            args: &mut __p::Args<__D>,
        ) -> __p::Result<()> {
            if let ::core::option::Option::Some(id) = &new.id {
                __p::Column::<
                    __D,
                >::add(<MemberId as __p::AccountKey>::as_inner(id), args)?;
            }
            __p::bind_text::<__D, String>(new.username.as_deref(), args)?;
            __p::bind_hash::<__D, PasswordHash>(&new.password_hash, args)?;
            ::core::result::Result::Ok(())
        }
        fn types() -> ::std::vec::Vec<__D::TypeInfo> {
            ::std::vec![
                < < MemberId as __p::AccountKey > ::Inner as __p::Column < __D >>
                ::type_info(), < String as __p::Column < __D >> ::type_info(), <
                PasswordHash as __p::Column < __D >> ::type_info()
            ]
        }
    }
    #[automatically_derived]
    impl<'__r, __R: __p::sqlx::Row> __p::sqlx::FromRow<'__r, __R> for Member
    where
        &'static str: __p::sqlx::ColumnIndex<__R>,
        <MemberId as __p::AccountKey>::Inner: __p::sqlx::Decode<'__r, __R::Database>
            + __p::sqlx::Type<__R::Database>,
        String: __p::sqlx::Decode<'__r, __R::Database> + __p::sqlx::Type<__R::Database>,
        PasswordHash: __p::sqlx::Decode<'__r, __R::Database>
            + __p::sqlx::Type<__R::Database>,
    {
        fn from_row(row: &'__r __R) -> ::core::result::Result<Self, __p::sqlx::Error> {
            ::core::result::Result::Ok(Self {
                id: <MemberId as __p::AccountKey>::from_inner(
                    row
                        .try_get::<
                            <MemberId as __p::AccountKey>::Inner,
                            &'static str,
                        >("id")?,
                ),
                username: row.try_get::<String, &'static str>("username")?,
                secret: row.try_get::<PasswordHash, &'static str>("secret")?,
            })
        }
    }
    #[automatically_derived]
    impl __p::NewColumns for MemberColumns {
        fn from_body<__B: __p::Body>(_body: &mut __B) -> ::core::option::Option<Self> {
            ::core::option::Option::Some(Self {})
        }
    }
    #[automatically_derived]
    impl ::core::default::Default for MemberColumns {
        fn default() -> Self {
            Self {}
        }
    }
    #[automatically_derived]
    impl __p::HasUsername for Member {}
    #[automatically_derived]
    impl __p::HasPassword for Member {}
    #[automatically_derived]
    impl __p::HasRoomForTokens for Member {}
    #[allow(dead_code)]
    #[automatically_derived]
    impl Member {
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
        __p::need_key::<MemberId>();
        __p::need_text::<String>();
        __p::need_hash::<PasswordHash>();
    };
};
