// Runs the inputs that lie in the named directories, each once, as libFuzzer does before it makes new ones.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int count, char** arguments) {
    std::vector<std::filesystem::path> inputs;
    for (int i = 1; i < count; ++i) {
        if (arguments[i][0] == '-') continue;  // libFuzzer's options
        for (const auto& entry : std::filesystem::directory_iterator(arguments[i])) inputs.push_back(entry.path());
    }
    for (const auto& path : inputs) {
        std::ifstream file(path, std::ios::binary);
        const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        const std::vector<std::uint8_t> data(bytes.begin(), bytes.end());  // exactly as long: its end is watched
        LLVMFuzzerTestOneInput(data.data(), data.size());
    }
    std::printf("stat::number_of_executed_units: %zu\n", inputs.size());
}
