::core::compile_error! {
    "`#[auth(…)]` on a field has no key `regster`; did you mean `register`?"
}
::core::compile_error! {
    "`User` has no primary key; add a field `id: i64`, or mark yours `#[auth(id)]`"
}
::core::compile_error! {
    "`User` has no column for the password hash; add a field `password_hash: PasswordHash`, or mark yours `#[auth(password)]`"
}
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
            name: "",
            columns: &[],
        };
        fn id(&self) -> &Self::Id {
            ::core::unreachable!()
        }
        fn account(&self) -> __p::Account<'_> {
            ::core::unreachable!()
        }
    }
    #[automatically_derived]
    impl<__D: __p::Dialect> __p::UserRow<__D> for User
    where
        i64: __p::Column<__D>,
    {
        type Key = i64;
        fn read(_: &__D::Row, _: usize) -> __p::Result<Self> {
            ::core::unreachable!()
        }
        fn bind(_: &__p::NewAccount<Self>, _: &mut __p::Args<__D>) -> __p::Result<()> {
            ::core::unreachable!()
        }
        fn types() -> ::std::vec::Vec<__D::TypeInfo> {
            ::core::unreachable!()
        }
    }
    #[automatically_derived]
    impl<'__r, __R: __p::sqlx::Row> __p::sqlx::FromRow<'__r, __R> for User {
        fn from_row(_: &'__r __R) -> ::core::result::Result<Self, __p::sqlx::Error> {
            ::core::unreachable!()
        }
    }
    #[automatically_derived]
    impl __p::NewColumns for UserColumns {
        fn from_body<__B: __p::Body>(_: &mut __B) -> ::core::option::Option<Self> {
            ::core::unreachable!()
        }
    }
    #[automatically_derived]
    impl ::core::default::Default for UserColumns {
        fn default() -> Self {
            ::core::unreachable!()
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
    impl __p::HasVerified for User {}
    #[automatically_derived]
    impl __p::HasRecovery for User {}
    #[automatically_derived]
    impl __p::RecoversByEmail for User {}
    #[allow(dead_code)]
    #[automatically_derived]
    impl User {
        /// The `CREATE TABLE` statement for this struct.
        pub fn create_table_sql(_: __p::DialectName) -> ::std::string::String {
            ::core::unreachable!()
        }
    }
};
