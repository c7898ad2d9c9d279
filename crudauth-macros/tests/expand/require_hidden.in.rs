#[require(auth(Auth), verified)] async fn list() {}
