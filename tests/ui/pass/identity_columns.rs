// Columns of an older application, beside a provider that has none.
use crudauth::{AuthUser, PasswordHash, auth};

type Text = Option<String>;

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    hashed_password: PasswordHash,
    #[auth(identity = "google", column = "Google_ID")]
    google: Option<String>,
    #[auth(identity = "intra-net_2", unique)]
    r#type: std::option::Option<std::string::String>,
    #[auth(own)]
    identity: Text,
    github_id: Option<String>,
}

auth! {
    #[oauth(google, github, provider("intra-net_2"))]
    pub struct Auth<User>;
}

// The same account in a block where nobody signs in elsewhere.
auth! {
    #[session]
    pub struct Plain<User>;
}

pub fn main() {
    use crudauth::__private::AuthUser as _;
    let user = User {
        id: 1,
        email: "ada@example.com".into(),
        email_verified: true,
        hashed_password: PasswordHash::from_stored("!".to_owned()),
        google: Some("g-1".into()),
        r#type: None,
        identity: Some("own".into()),
        github_id: Some("own".into()),
    };
    assert_eq!(user.subject("google"), Some("g-1"));
    for nobody in ["intra-net_2", "github", "identity", ""] {
        assert_eq!(user.subject(nobody), None, "{nobody}");
    }
    let sql = User::create_table_sql(crudauth::Dialect::Sqlite);
    assert!(sql.contains("\"Google_ID\" TEXT UNIQUE"), "{sql}");
    assert!(sql.contains("\"type\" TEXT UNIQUE"), "{sql}");
    assert!(!sql.contains("\"github_id\" TEXT UNIQUE"), "{sql}");
}
