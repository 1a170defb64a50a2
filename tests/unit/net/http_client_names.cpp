// SPDX-License-Identifier: BSL-1.0
#include <uk/net/http_client_names.hpp>

#include <doctest/doctest.h>

#include "http_browser.hpp"

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace browsing;

TEST_CASE("a stack without a resolver has nothing for names in its client") {
    using without = http::detail::client_names<fake::system>;
    static_assert(!without::resolves && std::is_empty_v<without::resolving> && std::is_empty_v<without::found>);
    using with = http::detail::client_names<naming_system>;
    static_assert(with::resolves && std::is_same_v<with::found, resolver::list>);
    CHECK(sizeof(http::client<fake::system>) < sizeof(http::client<naming_system>));
}

TEST_CASE("a server's name needs a resolver, unless an address is with it or it is one") {
    browser b;
    b.ask({}, {.host = "example.org"});
    CHECK(b.got.error == client_error::no_resolver);
    CHECK(b.net().attempts.empty());
    CHECK(b.buffers() == 0);
    b.ask({}, {.port = 81, .host = "10.0.0.8"});
    REQUIRE(b.net().attempts.size() == 1);
    CHECK(b.net().attempts[0].first == "10.0.0.8"_ip4);
    CHECK(b.server().to_client == "GET / HTTP/1.1\r\nHost: 10.0.0.8:81\r\n\r\n");
}

TEST_CASE("a server's name is resolved, for each request, and the connection kept while it leads there") {
    browser<{}, naming_system> b;
    b.names().known["example.org"] = {"10.0.0.9"_ip4};
    {
        std::string name = "example.org";  // gone with the head of the response
        b.ask({}, {.port = 81, .host = name});
        REQUIRE(b.net().attempts.size() == 1);
        CHECK(b.net().attempts[0] == std::pair("10.0.0.9"_ip4, std::uint16_t{81}));
        CHECK(b.server().to_client == "GET / HTTP/1.1\r\nHost: example.org:81\r\n\r\n");
        b.server().send(ok);
        b.run();
    }
    CHECK(b.got.body == "hello");
    b.ask({.target = "/2"}, {.port = 81, .host = "example.org"});
    CHECK(b.net().attempts.size() == 1);
    CHECK(b.server().to_client.ends_with("GET /2 HTTP/1.1\r\nHost: example.org:81\r\n\r\n"));
    b.server().send(ok);
    b.run();
    CHECK(b.names().asked == std::vector<std::string>{"example.org", "example.org"});
    // By its address nobody is asked, and the connection is the same.
    b.ask({.target = "/3"}, {.address = "10.0.0.9"_ip4, .port = 81, .host = "other.org"});
    CHECK(b.server().to_client.ends_with("GET /3 HTTP/1.1\r\nHost: other.org:81\r\n\r\n"));
    b.server().send(ok);
    b.run();
    CHECK(b.names().asked.size() == 2);
    b.names().known["example.org"] = {"10.0.0.7"_ip4};
    b.ask({}, {.port = 81, .host = "example.org"});
    REQUIRE(b.net().attempts.size() == 2);
    CHECK(b.net().attempts[1].first == "10.0.0.7"_ip4);
    CHECK(b.server(0).over());
}

TEST_CASE("the addresses of a name are tried in turn") {
    browser<{}, naming_system> b;
    b.names().known["a.b"] = {"10.0.0.1"_ip4, "10.0.0.2"_ip4, "10.0.0.3"_ip4};
    b.net().refusal = uk::error::refused;
    b.ask({}, {.host = "a.b"});
    CHECK(b.got.error == client_error::refused);
    REQUIRE(b.net().attempts.size() == 3);
    for (std::uint32_t i = 0; i < 3; ++i) CHECK(b.net().attempts[i].first.value == "10.0.0.1"_ip4.value + i);
    CHECK(b.buffers() == 0);

    // An address of its own has no others, whatever was asked before.
    b.ask({}, there);
    CHECK(b.got.error == client_error::refused);
    CHECK(b.net().attempts.size() == 4);

    browser<{.connect_ms = 1000}, naming_system> c;
    c.names().known = b.names().known;
    c.net().hangs = true;
    c.ask({}, {.host = "a.b"});
    c.run(1500ms);
    CHECK(c.net().attempts.size() == 2);
    c.net().hangs = false;
    c.run(1s);
    REQUIRE(c.net().attempts.size() == 3);
    c.server().send(ok);
    c.run();
    CHECK(c.got.body == "hello");
}

TEST_CASE("names that cannot be resolved") {
    browser<{.resolve_ms = 2000}, naming_system> b;
    const auto ask = [&] {
        b.ask({}, {.host = "a.b"});
        CHECK(b.net().attempts.empty());
        return b.got.error;
    };
    CHECK(ask() == client_error::unresolved);  // an empty list
    for (const auto& [wrong, error] : {std::pair{net::dns_error::no_such_name, client_error::unresolved},
                                       {net::dns_error::no_entropy, client_error::unresolved},
                                       {net::dns_error::invalid_name, client_error::unresolved},
                                       {net::dns_error::timed_out, client_error::resolve_timed_out},
                                       {net::dns_error::no_buffers, client_error::no_buffers},
                                       {net::dns_error::busy, client_error::no_memory}}) {
        b.names().wrong = wrong;
        CHECK(ask() == error);
        CHECK(b.buffers() == 0);
    }
    b.names().wrong = {};
    b.names().hangs = true;
    b.ask({}, {.host = "a.b"});
    b.run(1990ms);
    CHECK_FALSE(b.got.error);
    b.run(20ms);
    CHECK(b.got.error == client_error::resolve_timed_out);
    CHECK(b.names().waiting.empty());
    // A late answer, and one that comes after a wait.
    b.names().known["a.b"] = {"10.0.0.1"_ip4};
    b.ask({}, {.host = "a.b"});
    b.run(1s);
    b.names().answer();
    b.run();
    CHECK(b.net().attempts.size() == 1);
}

TEST_CASE("a request given up while its name is looked for leaves nothing behind") {
    browser<{}, naming_system> b;
    b.names().hangs = true;
    b.ask({}, {.host = "a.b"});
    CHECK_FALSE(b.names().waiting.empty());
    b.os.scheduler().destroy_tasks();
    CHECK(b.names().waiting.empty());
    b.client.close();
    CHECK(b.buffers() == 0);
}

TEST_CASE("redirects to other names are resolved where names can be") {
    browser<{.redirects = 3}, naming_system> b;
    b.names().known["example.com"] = {"10.0.0.7"_ip4};
    b.names().known["third.org"] = {"10.0.0.7"_ip4};
    const http::request_field secret[]{{"Authorization", "Basic x"}};
    b.ask({.fields = secret});
    b.server().send(redirect("302", "http://example.com:81/other"));
    b.run();
    REQUIRE(b.net().attempts.size() == 2);
    CHECK(b.net().attempts[1] == std::pair("10.0.0.7"_ip4, std::uint16_t{81}));
    CHECK(b.server(1).to_client == "GET /other HTTP/1.1\r\nHost: example.com:81\r\n\r\n");
    // A name of its own again: what the response before said of it is gone.
    b.server(1).send(redirect("302", "/again"));
    b.run();
    CHECK(b.server(1).to_client.ends_with("GET /again HTTP/1.1\r\nHost: example.com:81\r\n\r\n"));
    CHECK(b.net().attempts.size() == 2);
    b.server(1).send(redirect("302", "//third.org:81/"));
    b.run();
    CHECK(b.server(1).to_client.ends_with("GET / HTTP/1.1\r\nHost: third.org:81\r\n\r\n"));
    b.server(1).send(ok);
    b.run();
    CHECK(b.got.body == "hello");
    CHECK(b.names().asked == std::vector<std::string>{"example.com", "third.org"});

    browser<{.redirects = 2}, naming_system> c;
    c.exchange(redirect("302", "http://nobody.org/"), 1000);
    CHECK(c.got.error == client_error::unresolved);
    CHECK(c.buffers() == 0);
}
