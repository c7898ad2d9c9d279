//! Microsoft and Apple.

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};

use super::super::issuer::PERSONAL;
use super::*;

const TENANT: &str = "3a1f0a0e-5b0c-4f4c-9b5c-0d6c8b4e2f11";
const LOGIN: &str = "https://login.microsoftonline.com";

fn issuer(tenant: &str) -> String {
    format!("{LOGIN}/{tenant}/v2.0")
}

/// What comes of an `id_token` of Microsoft's, where `tenant` is configured and `declared` is what its metadata says.
async fn microsoft(tenant: &str, declared_as: &str, members: &Value) -> Result<Profile, Failure> {
    signed_by(&[json!(null)], tenant, declared_as, members).await
}

/// The same where Microsoft lists the key once for each of these issuers, beside one that every tenant signs with.
async fn signed_by(
    issuers: &[Value],
    tenant: &str,
    declared_as: &str,
    members: &Value,
) -> Result<Profile, Failure> {
    const MICROSOFT: &[ProviderPolicy] = &[declared("microsoft", ProviderKind::Microsoft)];
    let (world, key) = idp();
    let url = format!("{}/.well-known/openid-configuration", issuer(tenant));
    world.answer(&url, &metadata(&issuer(declared_as)));
    let listed = |key: &Key, kid, of: &Value| with(&key.jwk(kid), &json!({ "issuer": of }));
    let mut keys = vec![listed(&Key::new(), "0", &json!(issuer("{tenantid}")))];
    keys.extend(issuers.iter().map(|of| listed(&key, "1", of)));
    world.answer(&format!("{IDP}/keys"), &json!({ "keys": keys }));
    let claims = with(
        &claims(),
        &json!({"email_verified": null, "iss": issuer(TENANT), "tid": TENANT}),
    );
    world.answer(
        &format!("{IDP}/token"),
        &tokens(&key.sign("1", &with(&claims, members))),
    );
    let credentials = Credentials::new("app", "s").issuer(issuer(tenant));
    let clients = only(&world, MICROSOFT, credentials);
    let client = clients.find("microsoft").unwrap();
    Ok(client.identify(NOW, &answer()).await?.profile)
}

#[tokio::test]
async fn an_address_from_microsoft_is_proven_only_where_microsoft_says_so() {
    for (members, proven) in [
        (json!({}), false),
        (json!({"email_verified": true}), false),
        (json!({"xms_edov": true}), true),
        (json!({"xms_edov": 1}), true),
        (json!({"xms_edov": "1"}), true),
        (json!({"xms_edov": false}), false),
        (json!({"xms_edov": 0}), false),
        (json!({"xms_edov": "0"}), false),
        (json!({"iss": issuer(PERSONAL), "tid": PERSONAL}), true),
        (
            json!({"iss": issuer(PERSONAL), "tid": PERSONAL, "email": null, "email_verified": true}),
            false,
        ),
    ] {
        let profile = microsoft("common", "{tenantid}", &members).await.unwrap();
        assert_eq!(profile.email_verified, proven, "{members}");
    }
}

#[tokio::test]
async fn sec_101_each_tenant_of_microsoft_signs_in_its_own_name() {
    let other = "00000000-0000-0000-0000-000000000001";
    let template = "{tenantid}";
    for (tenant, declared, members, good) in [
        ("common", template, json!({}), true),
        ("common", template, json!({"iss": issuer(other)}), false),
        ("common", template, json!({"tid": null}), false),
        ("common", template, json!({"tid": other}), false),
        (
            "common",
            template,
            json!({"iss": issuer(template), "tid": template}),
            false,
        ),
        (
            "common",
            template,
            json!({"iss": issuer("x/y"), "tid": "x/y"}),
            false,
        ),
        (
            "common",
            template,
            json!({"iss": issuer(&TENANT.to_uppercase()), "tid": TENANT.to_uppercase()}),
            false,
        ),
        (
            "common",
            template,
            json!({"iss": format!("https://evil.example.com/{TENANT}/v2.0")}),
            false,
        ),
        (
            "common",
            template,
            json!({"iss": issuer(PERSONAL), "tid": PERSONAL}),
            true,
        ),
        ("common", "common", json!({}), false),
        ("organizations", template, json!({}), true),
        (
            "organizations",
            template,
            json!({"iss": issuer(PERSONAL), "tid": PERSONAL}),
            false,
        ),
        (
            "consumers",
            PERSONAL,
            json!({"iss": issuer(PERSONAL), "tid": PERSONAL}),
            true,
        ),
        ("consumers", PERSONAL, json!({}), false),
        (TENANT, TENANT, json!({}), true),
        (
            TENANT,
            TENANT,
            json!({"iss": issuer(other), "tid": other}),
            false,
        ),
        (TENANT, template, json!({}), false),
    ] {
        let outcome = microsoft(tenant, declared, &members).await;
        assert_eq!(outcome.is_ok(), good, "{tenant} {members}: {outcome:?}");
        if let Ok(profile) = outcome {
            assert!(profile.issuer.starts_with(LOGIN) && !profile.issuer.contains('{'));
        }
    }
}

#[tokio::test]
async fn sec_101_a_key_of_one_tenant_of_microsoft_signs_for_no_other() {
    let other = "00000000-0000-0000-0000-000000000001";
    let (all, ours, theirs) = (issuer("{tenantid}"), issuer(TENANT), issuer(other));
    let as_other = json!({"iss": theirs, "tid": other});
    for (tenant, keys, members, good) in [
        ("common", vec![json!(all)], json!({}), true),
        ("common", vec![json!(all)], as_other.clone(), true),
        ("common", vec![json!(ours)], json!({}), true),
        // Whoever holds the key of one tenant signs as another.
        ("common", vec![json!(ours)], as_other.clone(), false),
        ("organizations", vec![json!(ours)], as_other.clone(), false),
        ("common", vec![json!(theirs)], json!({}), false),
        (
            "common",
            vec![json!(ours)],
            json!({"iss": issuer(PERSONAL), "tid": PERSONAL}),
            false,
        ),
        ("common", vec![json!(issuer(PERSONAL))], json!({}), false),
        (TENANT, vec![json!(all)], json!({}), true),
        (TENANT, vec![json!(ours)], json!({"tid": null}), true),
        (TENANT, vec![json!(all)], json!({"tid": null}), false),
        (TENANT, vec![json!(all)], json!({"tid": other}), false),
        (TENANT, vec![json!(theirs)], json!({}), false),
        // One key, listed for several.
        ("common", vec![json!(theirs), json!(ours)], json!({}), true),
        ("common", vec![json!(theirs), json!(null)], json!({}), true),
        (
            "common",
            vec![json!(theirs), json!(issuer(PERSONAL))],
            json!({}),
            false,
        ),
        // What cannot be an issuer is nobody's.
        ("common", vec![json!("")], json!({}), false),
        ("common", vec![json!([all])], json!({}), false),
        ("common", vec![json!("{tenantid}")], json!({}), false),
        ("common", vec![json!(format!("{all}/"))], json!({}), false),
        (
            "common",
            vec![json!("https://evil.example.com/{tenantid}/v2.0")],
            json!({}),
            false,
        ),
    ] {
        let declared = if tenant == TENANT {
            TENANT
        } else {
            "{tenantid}"
        };
        let outcome = signed_by(&keys, tenant, declared, &members).await;
        let name = format!("{tenant} {keys:?} {members}");
        match outcome {
            Ok(_) => assert!(good, "{name}"),
            Err(failure) => {
                assert!(!good, "{name}: {failure}");
                assert!(
                    failure.to_string().contains("another issuer's"),
                    "{failure}"
                );
            }
        }
    }
}

#[tokio::test]
async fn what_others_say_of_their_keys_beyond_the_standards_is_not_read() {
    let (world, key) = idp();
    for said in [json!("https://evil.example.com"), json!(5)] {
        let jwk = with(&key.jwk("1"), &json!({ "issuer": said }));
        world.answer(&format!("{IDP}/keys"), &json!({ "keys": [jwk] }));
        let outcome = signed_in(&world, &key, &claims()).await;
        assert!(outcome.is_ok(), "{said}: {outcome:?}");
    }
}

/// A `.p8` file, and the public half of its key.
fn p8() -> (String, Vec<u8>) {
    let alg = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let der = EcdsaKeyPair::generate_pkcs8(alg, &SystemRandom::new()).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(alg, der.as_ref(), &SystemRandom::new()).unwrap();
    let text = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    (pem, pair.public_key().as_ref().to_vec())
}

#[tokio::test]
async fn apple_gets_a_signed_secret_and_gives_names_in_the_form() {
    const APPLE: &[ProviderPolicy] = &[declared("apple", ProviderKind::Apple)];
    let issuer = "https://appleid.apple.com";
    let (world, key) = idp();
    let (pem, public) = p8();
    world.answer(
        &format!("{issuer}/.well-known/openid-configuration"),
        &metadata(issuer),
    );
    let credentials = Credentials::apple("app", "TEAM123456", "KEY1234567", pem.as_str());
    let clients = only(&world, APPLE, credentials);
    let client = clients.find("apple").unwrap();
    assert!(client.answers_by_post());
    let url = client.authorize(NOW, &ask()).await.unwrap();
    assert!(
        url.contains("response_mode=form_post") && url.contains("scope=openid+email+name"),
        "{url}"
    );

    let bare = with(
        &claims(),
        &json!({"iss": issuer, "name": null, "given_name": null}),
    );
    for (word, proven) in [
        (json!("true"), true),
        (json!(true), true),
        (json!("false"), false),
        (json!("TRUE"), false),
        (json!(1), false),
    ] {
        let said = with(&bare, &json!({"email_verified": word}));
        world.answer(&format!("{IDP}/token"), &tokens(&key.sign("1", &said)));
        let form = r#"{"name":{"firstName":"Johnny","lastName":"Appleseed"},"email":"evil@example.com","email_verified":true}"#;
        let answer = Answer {
            user: Some(form),
            ..answer()
        };
        let profile = client.identify(NOW, &answer).await.unwrap().profile;
        assert_eq!(
            (profile.email.as_deref(), profile.email_verified),
            (Some("jane@example.com"), proven),
            "{word}"
        );
        assert_eq!(
            (profile.given_name.as_deref(), profile.name.as_deref()),
            (Some("Johnny"), Some("Johnny Appleseed"))
        );
    }
    for odd in [
        "",
        "x",
        "[]",
        r#"{"name":5}"#,
        r#"{"name":{"firstName":"a\u0000"}}"#,
    ] {
        let answer = Answer {
            user: Some(odd),
            ..answer()
        };
        let profile = client.identify(NOW, &answer).await.unwrap().profile;
        assert_eq!((profile.given_name, profile.name), (None, None), "{odd}");
    }

    let secret = world.asked(&format!("{IDP}/token"))[0].form["client_secret"].clone();
    let (input, signature) = secret.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public)
        .verify(input.as_bytes(), &signature)
        .unwrap();
    let part = |text: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    };
    let (header, claims) = input.split_once('.').unwrap();
    assert_eq!(
        part(header),
        json!({"alg": "ES256", "typ": "JWT", "kid": "KEY1234567"})
    );
    let now = NOW.as_secs();
    assert_eq!(
        part(claims),
        json!({"iss": "TEAM123456", "iat": now, "exp": now + 300, "aud": issuer, "sub": "app"})
    );
}
