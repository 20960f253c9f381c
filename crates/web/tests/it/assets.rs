use crate::on_both_databases;
use crate::world::World;

on_both_databases!(pages_load_files_that_never_change);

async fn pages_load_files_that_never_change(world: &World) {
    let page = world.look(None, "/sign-in").await;
    let paths: Vec<&str> = page
        .text
        .split('"')
        .filter(|text| text.starts_with("/assets/"))
        .collect();
    assert_eq!(paths.len(), 3);
    for path in paths {
        let plain = world.look(None, path).await;
        assert_eq!(plain.status, 200, "{path}");
        assert!(plain.header("cache-control").contains("immutable"));
        assert_eq!(plain.header("content-encoding"), "");
        let gzip = [("accept-encoding", "gzip, br")];
        let zipped = world
            .send(http::Method::GET, path, None, &gzip, String::new())
            .await;
        assert_eq!(zipped.header("content-encoding"), "gzip");
        assert_eq!(zipped.header("vary"), "Accept-Encoding");
    }
    let gone = world.look(None, "/assets/style-0000000000000000.css").await;
    assert_eq!(gone.status, 404);
}
