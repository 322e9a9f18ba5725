package dev.berth.master.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RoleTest {
    @ParameterizedTest
    @ValueSource(strings = {"*", "a", "eng/frontend", "a.b", "...", "a-b", "ünïcode", "a*b"})
    void namesAndPathsAreRoles(String path) {
        assertThat(Role.problem(path)).isEmpty();
        assertThat(new Role(path)).hasToString(path);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", ".", "..", "-a", "a/-b", "/a", "a/", "a//b", "a/./b", "a/..", "*/a", "a/*",
                "a b", "a\tb", "a\b", "a\u007f"
            })
    void theRestIsRefusedWithItsName(String path) {
        assertThatThrownBy(() -> new Role(path))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("role '" + path + "' ");
    }
}
