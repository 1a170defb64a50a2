// SPDX-License-Identifier: BSL-1.0
#include <uk/net/http_body.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace http = uk::net::http;
using http::body_reader;
using http::fault;

namespace {

struct outcome {
    std::string content;
    std::string rest;
    bool done = false;
    fault wrong = fault::none;
};

// Feeds `text` in pieces of `step` octets.
outcome read(body_reader reader, std::string_view text, std::size_t step) {
    outcome o;
    for (std::size_t at = 0; at < text.size(); at += step) {
        uk::bytes input = uk::as_bytes(text.substr(at, step));
        while (!input.empty() && !reader.done() && reader.wrong() == fault::none) {
            o.content += uk::as_text(reader.take(input));
        }
        o.rest += uk::as_text(input);
    }
    o.done = reader.done();
    o.wrong = reader.wrong();
    return o;
}

fault chunks(std::string_view text, std::uint64_t most = 1 << 20) {
    const outcome whole = read(body_reader::in_chunks(most), text, text.size());
    const outcome single = read(body_reader::in_chunks(most), text, 1);
    CHECK(whole.wrong == single.wrong);
    CHECK(whole.content == single.content);
    CHECK(whole.done == single.done);
    return whole.wrong;
}

}  // namespace

TEST_CASE("no body, and one of a declared length") {
    CHECK(body_reader().done());
    CHECK(body_reader::with_length(0).done());
    for (std::size_t step : {1U, 2U, 3U, 100U}) {
        const outcome o = read(body_reader::with_length(5), "hellomore", step);
        CHECK(o.content == "hello");
        CHECK(o.rest == "more");
        CHECK(o.done);
    }
    CHECK(body_reader::with_length(1ULL << 40).left() == 1ULL << 40);
}

TEST_CASE("chunks, cut anywhere") {
    const std::string_view text =
        "5\r\nhello\r\nA;x=\"y\"\r\n, chunked \r\n0001\r\n!\r\n0\r\nTrailer: x\r\nT2: y\r\n\r\nGET";
    for (std::size_t step = 1; step <= text.size(); ++step) {
        const outcome o = read(body_reader::in_chunks(1000), text, step);
        CHECK(o.wrong == fault::none);
        CHECK(o.done);
        CHECK(o.content == "hello, chunked !");
        CHECK(o.rest == "GET");
    }
}

TEST_CASE("chunks that are none") {
    for (std::string_view text :
         {"xyz\r\n", "\r\n", ";a\r\n", "-1\r\n", "5\nhello\r\n", "5\r\nhello\n", "5\r\nhelloX\r\n", "5\r\nhello\r\r\n",
          "5\rx", "5;a\nhello", "0\r\nA: b\n\r\n", "0\r\n\rx", "5x\r\nhello", "0x5\r\nhello", " 5\r\nhello",
          "1ffffffffffffffff\r\n", "ffffffffffffffffff\r\n"}) {
        CAPTURE(text);
        CHECK(chunks(text) == fault::bad_chunk);
    }
}

TEST_CASE("chunks beyond the limit") {
    CHECK(chunks("5\r\nhello\r\n0\r\n\r\n", 5) == fault::none);
    CHECK(chunks("6\r\nhello!\r\n0\r\n\r\n", 5) == fault::body_too_long);
    CHECK(chunks("5\r\nhello\r\n1\r\n!\r\n", 5) == fault::body_too_long);
    CHECK(chunks("80000000\r\n") == fault::body_too_long);
    CHECK(chunks("100000001\r\n") == fault::body_too_long);
    CHECK(chunks("ffffffffffffffff\r\n") == fault::body_too_long);
}

TEST_CASE("framing may not outgrow the content") {
    CHECK(chunks("1;" + std::string(500, 'e') + "\r\nx\r\n0\r\n\r\n") == fault::none);
    CHECK(chunks("1;" + std::string(2000, 'e') + "\r\nx\r\n0\r\n\r\n") == fault::bad_chunk);
    CHECK(chunks(std::string(2000, '0') + "1\r\nx\r\n0\r\n\r\n") == fault::bad_chunk);
    CHECK(chunks("0\r\n" + std::string(2000, 't') + ": x\r\n\r\n") == fault::bad_chunk);
    std::string small;
    for (int i = 0; i < 5000; ++i) small += "1\r\nx\r\n";
    CHECK(chunks(small + "0\r\n\r\n") == fault::none);
}

TEST_CASE("octets that are not there are not consumed") {
    body_reader r = body_reader::in_chunks(100);
    uk::bytes none;
    CHECK(r.take(none).empty());
    CHECK_FALSE(r.done());
    CHECK(r.wrong() == fault::none);
}
