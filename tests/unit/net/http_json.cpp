// SPDX-License-Identifier: BSL-1.0
#include <uk/net/http_json.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace http = uk::net::http;

namespace {

struct sink {
    std::string text;
    void write(std::string_view s) { text += s; }
};

template <class Fill>
std::string json(Fill fill) {
    sink s;
    http::json_object<sink> object(s);
    fill(object);
    object.end();
    return s.text;
}

}  // namespace

TEST_CASE("numbers") {
    CHECK(uk::digits(0).view() == "0");
    CHECK(uk::digits(18446744073709551615U).view() == "18446744073709551615");
    CHECK(uk::digits(0xabc0, 16).view() == "abc0");
    CHECK(json([](auto& o) {
              o.member("a", 0);
              o.member("b", -12);
              o.member("c", std::numeric_limits<std::int64_t>::min());
              o.member("d", ~std::uint64_t{0});
              o.member("e", std::uint8_t{255});
          }) == R"({"a":0,"b":-12,"c":-9223372036854775808,"d":18446744073709551615,"e":255})");
}

TEST_CASE("nothing, truth and objects in objects") {
    CHECK(json([](auto&) {}) == "{}");
    CHECK(json([](auto& o) {
              o.member("t", true);
              o.object("in", [](auto& i) {
                  i.member("f", false);
                  i.object("none", [](auto&) {});
                  i.member("x", 1);
              });
              o.member("y", "z");
          }) == R"({"t":true,"in":{"f":false,"none":{},"x":1},"y":"z"})");
}

TEST_CASE("strings are escaped in names and values") {
    CHECK(json([](auto& o) { o.member(std::string_view("a\"b"), "c\\d\n\x1f\x7f\xc3\xa4/"); }) ==
          "{\"a\\\"b\":\"c\\\\d\\u000a\\u001f\x7f\xc3\xa4/\"}");
    CHECK(json([](auto& o) { o.member("z", std::string_view("\0x", 2)); }) == "{\"z\":\"\\u0000x\"}");
    CHECK(json([](auto& o) { o.member("e", ""); }) == "{\"e\":\"\"}");
}
