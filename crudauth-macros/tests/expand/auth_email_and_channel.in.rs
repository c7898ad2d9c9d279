#[channel]
#[email(reset_path = "/new-password")]
#[hooks(MyHooks)]
pub struct Auth<User>;
