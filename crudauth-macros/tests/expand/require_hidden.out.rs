async fn list(
    _: <::crudauth::__private::Principal<
        Auth,
    > as ::crudauth::__private::Refine<(::crudauth::__private::Verified, ())>>::Out,
) {
    const _: fn() = || {
        ::crudauth::__private::need_verified::<Auth>();
    };
}
