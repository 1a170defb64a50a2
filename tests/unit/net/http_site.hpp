// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/http.hpp>

#include <doctest/doctest.h>

#include "fake_stream.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace fake {

/// A server over streams in memory.
class site {
public:
    system os;

    template <class Handler>
    explicit site(Handler handler, uk::net::http::limits limits = {})
        : app_(uk::net::http::serve(os, 80, std::move(handler), limits)) {
        REQUIRE(app_.start());
        run_for(os);
    }

    std::shared_ptr<pipe> connect() { return os[uk::port::stream].connect(); }
    void run(uk::duration d = {}) { run_for(os, d); }

    /// What one connection answers to `request`.
    std::string ask(std::string_view request) {
        const auto client = connect();
        client->send(request);
        run();
        return std::move(client->to_client);
    }

    std::size_t buffers_in_use() { return os[uk::port::packets].count - os[uk::port::packets].store().available(); }
    std::size_t frames_in_use() { return os.scheduler().frames.used(); }

private:
    uk::task<> app_;
};

inline std::string status_line(std::string_view response) {
    return std::string(response.substr(0, response.find('\r')));
}
inline std::string body(std::string_view response) {
    const std::size_t at = response.find("\r\n\r\n");
    return at == std::string_view::npos ? "no body" : std::string(response.substr(at + 4));
}
inline bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }
inline std::string get(std::string_view path, std::string_view more = "") {
    return std::string("GET ").append(path).append(" HTTP/1.1\r\nHost: t\r\n").append(more).append("\r\n");
}

}  // namespace fake
