// SPDX-License-Identifier: BSL-1.0
#include "input.hpp"

#include "../unit/net/fake_stream.hpp"

#include <uk/net/http_client.hpp>
#include <uk/net/http_client_wire.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace fuzz;
namespace http = uk::net::http;
using uk::operator""_ip4;

struct outcome {
    std::optional<http::client_error> error;
    unsigned status = 0;
    std::string body;
    bool done = false;

    bool operator==(const outcome&) const = default;
};

using client = http::client<fake::system, http::client_limits{.head_octets = 400, .fields = 8, .body_octets = 3'000}>;

uk::task<> ask(fake::system&, client& c, http::client_request what, outcome& o) {
    auto r = co_await c.send({"10.0.0.9"_ip4, 80, "example.org"}, what);
    if (!r) {
        o.error = r.error();
        co_return {};
    }
    o.status = r->status();
    (void)r->field("content-type");
    while (true) {
        const auto piece = co_await r->read_body();
        if (!piece) {
            o.error = piece.error();
            co_return {};
        }
        if (piece->empty()) break;
        o.body += uk::as_text(*piece);
    }
    o.done = true;
    co_return {};
}

// What a client makes of a server's octets when they come in pieces of these sizes, to two requests in a row.
std::array<outcome, 2> read(std::string_view text, uk::bytes sizes, unsigned mode) {
    fake::system os;
    std::array<outcome, 2> got;
    {
        client c(os);
        const http::method how = (mode & 2) != 0 ? http::method::head : http::method::get;
        auto task = ask(os, c, {.method = how}, got[0]);
        require(task.start(), "there is memory for a request");
        fake::run_for(os);
        const auto& opened = os[uk::port::stream].opened;
        require(!opened.empty(), "a client connects");
        const auto server = opened[0];
        for (std::size_t i = 0; !text.empty(); ++i) {
            const std::size_t most = sizes.empty() ? 1'400 : 1 + std::to_integer<std::size_t>(sizes[i % sizes.size()]);
            server->send(text.substr(0, most));
            text.remove_prefix(std::min(most, text.size()));
            fake::run_for(os);
        }
        if ((mode & 1) != 0) server->finish();
        fake::run_for(os, std::chrono::seconds(200));
        require(got[0].done || got[0].error, "a request comes to its end");
        require(got[0].body.size() <= 3'000, "a body keeps to its limit");
        if ((mode & 4) != 0) {
            auto again = ask(os, c, {.target = "/2"}, got[1]);
            require(again.start(), "there is memory for a request");
            fake::run_for(os, std::chrono::seconds(200));
            require(got[1].done || got[1].error, "a second request comes to its end");
        }
    }
    for (const auto& p : os[uk::port::stream].opened) require(p->held == 0, "what was received is given back");
    require(os[uk::port::packets].store().available() == 24, "all packet buffers are back");
    require(os.scheduler().frames.used() == 0, "all frames of tasks are back");
    return got;
}

void parse(std::string_view text) {
    for (const bool to_head : {false, true}) {
        std::uint32_t line = 0;
        const auto end = http::find_head_end(text, line);
        if (end.wrong != http::fault::none || end.size == 0) return;
        http::response_head head;
        if (http::parse_response_head(text.substr(0, end.size), to_head, {}, head)) continue;
        require(head.status >= 100 && head.status <= 599, "a status is one");
        require(head.end != http::body_end::length || head.length, "a counted body has its length");
        require(!to_head || head.end == http::body_end::none, "HEAD has no body");
    }
    if (const auto place = http::parse_location(text)) {
        require(!place->target.empty() && place->target[0] == '/', "a place has a path");
    }
}

}  // namespace

// An octet: bit 0 whether the server ends behind its response, bit 1 to HEAD, bit 2 whether another request follows.
// A piece: sizes of segments, less 1. The rest: what the server says.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input in(data, size);
    const unsigned mode = in.octet();
    const uk::bytes sizes = in.piece();
    const std::string text(uk::as_text(in.rest()));
    parse(text);
    const auto one = read(text, {}, mode);
    if (!sizes.empty()) require(read(text, sizes, mode)[0] == one[0], "a response is the same however it is cut");
    return 0;
}
