fn wipe<__Proofs, __I0, __I1>(team: &mut Team, by: &Principal<Auth, __Proofs>)
where
    __Proofs: ::crudauth::__private::Proves<::crudauth::__private::Verified, __I0>,
    __Proofs: ::crudauth::__private::Proves<::crudauth::__private::By<Staff>, __I1>,
{
    const _: fn() = || {
        ::crudauth::__private::need_verified::<Auth>();
        ::crudauth::__private::need_gate::<Staff, Auth>();
    };
}
