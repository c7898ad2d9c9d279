#[public] async fn landing() {}
