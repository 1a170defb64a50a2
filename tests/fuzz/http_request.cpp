// SPDX-License-Identifier: BSL-1.0
#include "input.hpp"

#include "../unit/net/fake_stream.hpp"

#include <uk/net/http.hpp>
#include <uk/net/http_body.hpp>
#include <uk/net/http_wire.hpp>

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

void parse(std::string_view text) {
    std::uint32_t line = 0;
    const auto end = http::find_head_end(text, line);
    if (end.wrong != http::fault::none || end.size == 0) return;
    require(end.size <= text.size(), "a head lies in what was received");
    http::request_head head;
    if (http::parse_head(text.substr(0, end.size), {}, head) != http::fault::none) return;
    require(!head.target.empty(), "a request has a target");
    require(!head.chunked || !head.length, "a body has one length");
    const auto inside = [&](std::string_view s) {
        return s.empty() || (s.data() >= text.data() && s.data() + s.size() <= text.data() + text.size());
    };
    require(inside(head.target) && inside(head.fields), "what a head says lies in it");
    for (const char* name : {"host", "content-length", "x", ""}) {
        if (const auto value = http::find_field(head.fields, name)) require(inside(*value), "a field lies in its head");
    }
}

// The content of a body in chunks, read in pieces of `step` octets, and whether it was right.
std::pair<std::string, bool> content(uk::bytes body, std::size_t step) {
    auto reader = http::body_reader::in_chunks(5'000);
    std::string all;
    while (!body.empty() && !reader.done() && reader.wrong() == http::fault::none) {
        uk::bytes piece = body.first(std::min(step, body.size()));
        const std::size_t given = piece.size();
        while (!piece.empty() && !reader.done() && reader.wrong() == http::fault::none) {
            all += uk::as_text(reader.take(piece));
        }
        body = body.subspan(given - piece.size());
    }
    require(all.size() <= 5'000, "a body keeps to its limit");
    return {std::move(all), reader.done()};
}

uk::result<> page(http::request& in, http::response& out) { return out.text(in.target()); }
uk::task<> echo(http::request& in, http::response& out) {
    std::array<std::byte, 256> memory;
    const uk::bytes all = co_await (co_await in.read_all(memory));
    co_return co_await out.write(all);
}
uk::task<> stream(http::request& in, http::response& out) {
    while (true) {
        const uk::bytes piece = co_await (co_await in.read_body());
        if (piece.empty()) break;
        co_await (co_await out.write(piece));
    }
    co_return {};
}
uk::result<> lazy(http::request&, http::response& out) { return out.text("body unread"); }

constexpr auto table = http::routes(http::get<"/">(page), http::post<"/echo">(echo), http::post<"/stream">(stream),
                                    http::post<"/lazy">(lazy), http::get<"/a/b">(page));
constexpr http::limits limits{
    .head_octets = 300, .split_heads = 2, .fields = 8, .body_octets = 600, .discard_octets = 400, .requests = 6};

// What a server answers to the octets when they come in pieces of these sizes.
std::string answer(std::string_view text, uk::bytes sizes, bool ends) {
    fake::system os;
    auto app = http::serve(os, 80, table, limits);
    require(app.start(), "there is memory for a server");
    fake::run_for(os);
    const std::size_t idle = os.scheduler().frames.used();
    const auto client = os[uk::port::stream].connect();
    for (std::size_t i = 0; !text.empty(); ++i) {
        const std::size_t most = sizes.empty() ? 1'400 : 1 + std::to_integer<std::size_t>(sizes[i % sizes.size()]);
        client->send(text.substr(0, most));
        text.remove_prefix(std::min(most, text.size()));
        fake::run_for(os);
    }
    if (ends) client->finish();
    fake::run_for(os, std::chrono::seconds(100));
    require(client->over(), "a silent connection comes to an end");
    require(client->held == 0, "what was received is given back");
    require(os[uk::port::packets].store().available() == 24, "all packet buffers are back");
    require(os.scheduler().frames.used() == idle, "all frames of tasks are back");
    return std::move(client->to_client);
}

// Whether a client is told to continue depends on what has come, and so does how a stream is cut into chunks.
bool cut_shows(std::string_view answer) {
    return answer.find("100 Continue") != answer.npos || answer.find("chunked") != answer.npos;
}

}  // namespace

// An octet: bit 0 whether the client ends behind its request. A piece: sizes of segments, less 1. The rest: what it
// says. However it is cut, the answer is the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input in(data, size);
    const unsigned mode = in.octet();
    const uk::bytes sizes = in.piece();
    const std::string text(uk::as_text(in.rest()));
    parse(text);
    const auto whole = content(uk::as_bytes(text), text.size());
    require(whole == content(uk::as_bytes(text), 1) && whole == content(uk::as_bytes(text), 7),
            "a body is the same however it is cut");
    const std::string one = answer(text, {}, (mode & 1) != 0);
    if (sizes.empty()) return 0;
    const std::string other = answer(text, sizes, (mode & 1) != 0);
    require(other == one || cut_shows(other) || cut_shows(one), "an answer is the same");
    return 0;
}
