async fn pay(
    mut user: <Principal<
        Auth,
    > as ::crudauth::__private::Refine<
        (
            ::crudauth::__private::Via<::crudauth::__private::session::Session>,
            (
                ::crudauth::__private::Superuser,
                (
                    ::crudauth::__private::Verified,
                    (
                        ::crudauth::__private::Check<7000340243824861334u64>,
                        (::crudauth::__private::By<gates::Staff>, ()),
                    ),
                ),
            ),
        ),
    >>::Out,
    State(app): State<App>,
) -> u8 {
    #[allow(non_local_definitions)]
    #[automatically_derived]
    impl ::crudauth::__private::CheckSite<7000340243824861334u64> for Auth {
        fn check(
            principal: &::crudauth::__private::Principal<Self>,
        ) -> ::crudauth::__private::BoxFuture<'_, ::crudauth::__private::Verdict> {
            ::std::boxed::Box::pin(
                ::crudauth::__private::verdict(policy::paid(principal)),
            )
        }
    }
    const _: fn() = || {
        ::crudauth::__private::need_transport_session::<Auth>();
        ::crudauth::__private::need_superuser::<Auth>();
        ::crudauth::__private::need_verified::<Auth>();
        ::crudauth::__private::need_gate::<gates::Staff, Auth>();
    };
    1
}
