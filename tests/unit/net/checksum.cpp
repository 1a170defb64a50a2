// SPDX-License-Identifier: BSL-1.0
#include <uk/net/checksum.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

using namespace uk;
using namespace uk::literals;
using net::checksum;

namespace {

// RFC 1071 section 4.1, octet by octet.
std::uint16_t slow(bytes b) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
        sum += std::to_integer<std::uint64_t>(b[i]) << (i % 2 == 0 ? 8 : 0);
    }
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

constexpr std::array<std::byte, 8> rfc_example{std::byte{0x00}, std::byte{0x01}, std::byte{0xf2}, std::byte{0x03},
                                               std::byte{0xf4}, std::byte{0xf5}, std::byte{0xf6}, std::byte{0xf7}};
static_assert(checksum().add(bytes(rfc_example)).value() == static_cast<std::uint16_t>(~0xddf2));
static_assert(checksum().value() == 0xffff);

}  // namespace

TEST_CASE("the example of RFC 1071 section 3") { CHECK(checksum().add(bytes(rfc_example)).value() == 0x220d); }

TEST_CASE("any length, alignment and division into pieces") {
    std::mt19937 random(1);
    std::vector<std::byte> data(200);
    for (auto& b : data) b = static_cast<std::byte>(random());
    for (std::size_t begin = 0; begin < 9; ++begin) {
        for (std::size_t size = 0; size + begin <= 70; ++size) {
            const bytes all = bytes(data).subspan(begin, size);
            REQUIRE(checksum().add(all).value() == slow(all));
            for (std::size_t cut = 0; cut <= size; ++cut) {
                REQUIRE(checksum().add(all.first(cut)).add(all.subspan(cut)).value() == slow(all));
            }
        }
    }
    const bytes all(data);
    CHECK(checksum().add(all.first(3)).add(all.subspan(3, 4)).add(all.subspan(7, 1)).add(all.subspan(8)).value() ==
          slow(all));
}

TEST_CASE("carries are not lost") {
    const std::vector<std::byte> ones(65535, std::byte{0xff});
    CHECK(checksum().add(ones).value() == slow(ones));
    CHECK(checksum().add(bytes(ones).first(65534)).value() == 0);
    const std::vector<std::byte> zeros(33);
    CHECK(checksum().add(zeros).value() == 0xffff);
}

TEST_CASE("data with its own checksum sums to nothing") {
    std::vector<std::byte> data(rfc_example.begin(), rfc_example.end());
    data.resize(10);
    store_be(data.data() + 8, checksum().add(bytes(data).first(8)).value());
    CHECK(checksum().add(data).value() == 0);
    data[3] ^= std::byte{0x10};
    CHECK(checksum().add(data).value() != 0);
}

TEST_CASE("the pseudo-header is that of RFC 768") {
    const std::array<std::uint8_t, 12> written{10, 0, 0, 1, 192, 168, 3, 4, 0, 17, 0x12, 0x34};
    CHECK(net::pseudo_header("10.0.0.1"_ip4, "192.168.3.4"_ip4, 17, 0x1234).value() ==
          slow(std::as_bytes(std::span(written))));
}
