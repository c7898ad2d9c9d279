pub struct Auth<User>;
