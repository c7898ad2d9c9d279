///The application's own columns of a new [`User`]: what the client may set at sign-up, and what the `new_user` hook may fill.
#[allow(dead_code, private_interfaces)]
#[derive(::core::fmt::Debug, ::core::clone::Clone)]
pub struct UserColumns {
    /// As it is shown to others.
    pub full_name: Option<String>,
    ///`seats` of the new row.
    pub seats: i64,
    ///`plan` of the new row.
    pub plan: String,
    ///`region` of the new row.
    pub region: Region,
    ///`team` of the new row.
    pub team: Option<i64>,
}
const _: () = {
    use ::crudauth::__private as __p;
    #[automatically_derived]
    impl __p::AuthUser for User {
        type Id = Uuid;
        type Columns = UserColumns;
        const TABLE: __p::Table = __p::Table {
            schema: ::core::option::Option::Some("app"),
            name: "users",
            columns: &[
                __p::ColumnDef {
                    field: "id",
                    name: "id",
                    role: __p::Role::Id,
                    fill: if <<Uuid as __p::AccountKey>::Inner as __p::RawKey>::GENERATED {
                        __p::Fill::Library
                    } else {
                        __p::Fill::Database
                    },
                    nullable: false,
                    unique: false,
                    repr: <<Uuid as __p::AccountKey>::Inner as __p::RawKey>::REPR,
                    register: false,
                    max_length: ::core::option::Option::None,
                    provider: ::core::option::Option::None,
                },
                __p::ColumnDef {
                    field: "email",
                    name: "mail",
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
                    field: "username",
                    name: "username",
                    role: __p::Role::Username,
                    fill: __p::Fill::Library,
                    nullable: true,
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
                    field: "email_verified",
                    name: "email_verified",
                    role: __p::Role::EmailVerified,
                    fill: __p::Fill::Library,
                    nullable: false,
                    unique: false,
                    repr: ::core::option::Option::None,
                    register: false,
                    max_length: ::core::option::Option::None,
                    provider: ::core::option::Option::None,
                },
                __p::ColumnDef {
                    field: "is_active",
                    name: "is_active",
                    role: __p::Role::IsActive,
                    fill: __p::Fill::Library,
                    nullable: false,
                    unique: false,
                    repr: ::core::option::Option::None,
                    register: false,
                    max_length: ::core::option::Option::None,
                    provider: ::core::option::Option::None,
                },
                __p::ColumnDef {
                    field: "is_superuser",
                    name: "is_superuser",
                    role: __p::Role::IsSuperuser,
                    fill: __p::Fill::Library,
                    nullable: false,
                    unique: false,
                    repr: ::core::option::Option::None,
                    register: false,
                    max_length: ::core::option::Option::None,
                    provider: ::core::option::Option::None,
                },
                __p::ColumnDef {
                    field: "token_version",
                    name: "token_version",
                    role: __p::Role::TokenVersion,
                    fill: __p::Fill::Library,
                    nullable: false,
                    unique: false,
                    repr: ::core::option::Option::None,
                    register: false,
                    max_length: ::core::option::Option::None,
                    provider: ::core::option::Option::None,
                },
                __p::ColumnDef {
                    field: "created_at",
                    name: "created_at",
                    role: __p::Role::CreatedAt,
                    fill: __p::Fill::Library,
                    nullable: false,
                    unique: false,
                    repr: ::core::option::Option::None,
                    register: false,
                    max_length: ::core::option::Option::None,
                    provider: ::core::option::Option::None,
                },
                __p::ColumnDef {
                    field: "full_name",
                    name: "full_name",
                    role: __p::Role::Own,
                    fill: __p::Fill::Columns,
                    nullable: true,
                    unique: false,
                    repr: ::core::option::Option::None,
                    register: true,
                    max_length: ::core::option::Option::Some(100usize),
                    provider: ::core::option::Option::None,
                },
                __p::ColumnDef {
                    field: "seats",
                    name: "seats",
                    role: __p::Role::Own,
                    fill: __p::Fill::Columns,
                    nullable: false,
                    unique: false,
                    repr: ::core::option::Option::None,
                    register: true,
                    max_length: ::core::option::Option::None,
                    provider: ::core::option::Option::None,
                },
                __p::ColumnDef {
                    field: "plan",
                    name: "plan",
                    role: __p::Role::Own,
                    fill: __p::Fill::Columns,
                    nullable: false,
                    unique: false,
                    repr: ::core::option::Option::None,
                    register: false,
                    max_length: ::core::option::Option::None,
                    provider: ::core::option::Option::None,
                },
                __p::ColumnDef {
                    field: "region",
                    name: "region",
                    role: __p::Role::Own,
                    fill: __p::Fill::Columns,
                    nullable: false,
                    unique: false,
                    repr: ::core::option::Option::None,
                    register: false,
                    max_length: ::core::option::Option::None,
                    provider: ::core::option::Option::None,
                },
                __p::ColumnDef {
                    field: "team",
                    name: "team",
                    role: __p::Role::Own,
                    fill: __p::Fill::Columns,
                    nullable: true,
                    unique: false,
                    repr: ::core::option::Option::None,
                    register: false,
                    max_length: ::core::option::Option::None,
                    provider: ::core::option::Option::None,
                },
                __p::ColumnDef {
                    field: "note",
                    name: "note",
                    role: __p::Role::Own,
                    fill: __p::Fill::Database,
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
                username: __p::TextColumn::text(&self.username),
                password_hash: __p::HashColumn::hash(&self.password_hash),
                email_verified: ::core::option::Option::Some(self.email_verified),
                factor: __p::TextColumn::text(&self.email),
                verified: ::core::option::Option::Some(self.email_verified),
                is_active: self.is_active,
                is_superuser: self.is_superuser,
                token_version: self.token_version,
            }
        }
    }
    #[automatically_derived]
    impl<__D: __p::Dialect> __p::UserRow<__D> for User
    where
        <Uuid as __p::AccountKey>::Inner: __p::Column<__D>,
        String: __p::Column<__D>,
        Option<String>: __p::Column<__D>,
        PasswordHash: __p::Column<__D>,
        bool: __p::Column<__D>,
        i64: __p::Column<__D>,
        OffsetDateTime: __p::Column<__D>,
        Region: __p::Column<__D>,
        Option<i64>: __p::Column<__D>,
    {
        type Key = <Uuid as __p::AccountKey>::Inner;
        fn read(row: &__D::Row, first: usize) -> __p::Result<Self> {
            ::core::result::Result::Ok(Self {
                id: <Uuid as __p::AccountKey>::from_inner(
                    <<Uuid as __p::AccountKey>::Inner as __p::Column<
                        __D,
                    >>::read(row, first)?,
                ),
                email: <String as __p::Column<__D>>::read(row, first + 1usize)?,
                username: <Option<
                    String,
                > as __p::Column<__D>>::read(row, first + 2usize)?,
                password_hash: <PasswordHash as __p::Column<
                    __D,
                >>::read(row, first + 3usize)?,
                email_verified: <bool as __p::Column<__D>>::read(row, first + 4usize)?,
                is_active: <bool as __p::Column<__D>>::read(row, first + 5usize)?,
                is_superuser: <bool as __p::Column<__D>>::read(row, first + 6usize)?,
                token_version: <i64 as __p::Column<__D>>::read(row, first + 7usize)?,
                created_at: <OffsetDateTime as __p::Column<
                    __D,
                >>::read(row, first + 8usize)?,
                full_name: <Option<
                    String,
                > as __p::Column<__D>>::read(row, first + 9usize)?,
                seats: <i64 as __p::Column<__D>>::read(row, first + 10usize)?,
                plan: <String as __p::Column<__D>>::read(row, first + 11usize)?,
                region: <Region as __p::Column<__D>>::read(row, first + 12usize)?,
                team: <Option<i64> as __p::Column<__D>>::read(row, first + 13usize)?,
                cache: <Cache as ::core::default::Default>::default(),
                note: <Option<String> as __p::Column<__D>>::read(row, first + 14usize)?,
            })
        }
        fn bind(
            new: &__p::NewAccount<Self>,
            args: &mut __p::Args<__D>,
        ) -> __p::Result<()> {
            if let ::core::option::Option::Some(id) = &new.id {
                __p::Column::<__D>::add(<Uuid as __p::AccountKey>::as_inner(id), args)?;
            }
            __p::bind_text::<__D, String>(new.email.as_deref(), args)?;
            __p::bind_text::<__D, Option<String>>(new.username.as_deref(), args)?;
            __p::bind_hash::<__D, PasswordHash>(&new.password_hash, args)?;
            __p::Column::<__D>::add(&new.email_verified, args)?;
            __p::Column::<__D>::add(&new.is_active, args)?;
            __p::Column::<__D>::add(&new.is_superuser, args)?;
            __p::Column::<__D>::add(&new.token_version, args)?;
            __p::bind_instant::<__D, OffsetDateTime>(new.created_at, args)?;
            __p::Column::<__D>::add(&new.columns.full_name, args)?;
            __p::Column::<__D>::add(&new.columns.seats, args)?;
            __p::Column::<__D>::add(&new.columns.plan, args)?;
            __p::Column::<__D>::add(&new.columns.region, args)?;
            __p::Column::<__D>::add(&new.columns.team, args)?;
            ::core::result::Result::Ok(())
        }
        fn types() -> ::std::vec::Vec<__D::TypeInfo> {
            ::std::vec![
                < < Uuid as __p::AccountKey > ::Inner as __p::Column < __D >>
                ::type_info(), < String as __p::Column < __D >> ::type_info(), < Option <
                String > as __p::Column < __D >> ::type_info(), < PasswordHash as
                __p::Column < __D >> ::type_info(), < bool as __p::Column < __D >>
                ::type_info(), < bool as __p::Column < __D >> ::type_info(), < bool as
                __p::Column < __D >> ::type_info(), < i64 as __p::Column < __D >>
                ::type_info(), < OffsetDateTime as __p::Column < __D >> ::type_info(), <
                Option < String > as __p::Column < __D >> ::type_info(), < i64 as
                __p::Column < __D >> ::type_info(), < String as __p::Column < __D >>
                ::type_info(), < Region as __p::Column < __D >> ::type_info(), < Option <
                i64 > as __p::Column < __D >> ::type_info(), < Option < String > as
                __p::Column < __D >> ::type_info()
            ]
        }
    }
    #[automatically_derived]
    impl<'__r, __R: __p::sqlx::Row> __p::sqlx::FromRow<'__r, __R> for User
    where
        &'static str: __p::sqlx::ColumnIndex<__R>,
        <Uuid as __p::AccountKey>::Inner: __p::sqlx::Decode<'__r, __R::Database>
            + __p::sqlx::Type<__R::Database>,
        String: __p::sqlx::Decode<'__r, __R::Database> + __p::sqlx::Type<__R::Database>,
        Option<
            String,
        >: __p::sqlx::Decode<'__r, __R::Database> + __p::sqlx::Type<__R::Database>,
        PasswordHash: __p::sqlx::Decode<'__r, __R::Database>
            + __p::sqlx::Type<__R::Database>,
        bool: __p::sqlx::Decode<'__r, __R::Database> + __p::sqlx::Type<__R::Database>,
        i64: __p::sqlx::Decode<'__r, __R::Database> + __p::sqlx::Type<__R::Database>,
        OffsetDateTime: __p::sqlx::Decode<'__r, __R::Database>
            + __p::sqlx::Type<__R::Database>,
        Region: __p::sqlx::Decode<'__r, __R::Database> + __p::sqlx::Type<__R::Database>,
        Option<
            i64,
        >: __p::sqlx::Decode<'__r, __R::Database> + __p::sqlx::Type<__R::Database>,
    {
        fn from_row(row: &'__r __R) -> ::core::result::Result<Self, __p::sqlx::Error> {
            ::core::result::Result::Ok(Self {
                id: <Uuid as __p::AccountKey>::from_inner(
                    row.try_get::<<Uuid as __p::AccountKey>::Inner, &'static str>("id")?,
                ),
                email: row.try_get::<String, &'static str>("mail")?,
                username: row.try_get::<Option<String>, &'static str>("username")?,
                password_hash: row
                    .try_get::<PasswordHash, &'static str>("password_hash")?,
                email_verified: row.try_get::<bool, &'static str>("email_verified")?,
                is_active: row.try_get::<bool, &'static str>("is_active")?,
                is_superuser: row.try_get::<bool, &'static str>("is_superuser")?,
                token_version: row.try_get::<i64, &'static str>("token_version")?,
                created_at: row.try_get::<OffsetDateTime, &'static str>("created_at")?,
                full_name: row.try_get::<Option<String>, &'static str>("full_name")?,
                seats: row.try_get::<i64, &'static str>("seats")?,
                plan: row.try_get::<String, &'static str>("plan")?,
                region: row.try_get::<Region, &'static str>("region")?,
                team: row.try_get::<Option<i64>, &'static str>("team")?,
                cache: <Cache as ::core::default::Default>::default(),
                note: row.try_get::<Option<String>, &'static str>("note")?,
            })
        }
    }
    #[automatically_derived]
    impl __p::NewColumns for UserColumns {
        fn from_body<__B: __p::Body>(body: &mut __B) -> ::core::option::Option<Self> {
            let __full_name = __p::Body::optional_text(
                body,
                "full_name",
                ::core::option::Option::Some(100usize),
            );
            let __seats = __p::Body::optional::<i64>(body, "seats");
            ::core::option::Option::Some(Self {
                full_name: __full_name?,
                seats: __seats?.unwrap_or_else(|| 3),
                plan: ::core::convert::Into::into("free"),
                region: crate::region(),
                team: <Option<i64> as ::core::default::Default>::default(),
            })
        }
    }
    #[automatically_derived]
    impl ::core::default::Default for UserColumns {
        fn default() -> Self {
            Self {
                full_name: <Option<String> as ::core::default::Default>::default(),
                seats: 3,
                plan: ::core::convert::Into::into("free"),
                region: crate::region(),
                team: <Option<i64> as ::core::default::Default>::default(),
            }
        }
    }
    #[automatically_derived]
    impl __p::HasEmail for User {}
    #[automatically_derived]
    impl __p::HasEmailVerified for User {}
    #[automatically_derived]
    impl __p::HasUsername for User {}
    #[automatically_derived]
    impl __p::HasPassword for User {}
    #[automatically_derived]
    impl __p::HasActive for User {}
    #[automatically_derived]
    impl __p::HasSuperuser for User {}
    #[automatically_derived]
    impl __p::HasTokenVersion for User {}
    #[automatically_derived]
    impl __p::HasRecovery for User {}
    #[automatically_derived]
    impl __p::RecoversByEmail for User {}
    #[automatically_derived]
    impl __p::HasVerified for User {}
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
        __p::need_key::<Uuid>();
        __p::need_text::<String>();
        __p::need_text::<Option<String>>();
        __p::need_hash::<PasswordHash>();
        __p::need_flag::<bool>();
        __p::need_flag::<bool>();
        __p::need_flag::<bool>();
        __p::need_epoch::<i64>();
        __p::need_instant::<OffsetDateTime>();
    };
};
