#[require(gates::Staff, check(policy::paid), verified, superuser, transport(session))] async fn pay(mut user: Principal<Auth>, State(app): State<App>) -> u8 { 1 }
