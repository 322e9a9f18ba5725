package dev.berth.gpu.driver;

import static dev.berth.gpu.driver.DriverCapability.COMPUTE;
import static dev.berth.gpu.driver.DriverCapability.GRAPHICS;
import static dev.berth.gpu.driver.DriverCapability.NGX;
import static dev.berth.gpu.driver.DriverCapability.UTILITY;
import static dev.berth.gpu.driver.DriverCapability.VIDEO;

import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What the driver's installer puts on a host, and who needs it: data. */
final class DriverNames {
    /** Where libraries are on the distributions, in the order of trial; one object file is what its own header says. */
    static final List<String> LIBRARY_DIRECTORIES =
            List.of(
                    "/usr/lib/x86_64-linux-gnu",
                    "/usr/lib/aarch64-linux-gnu",
                    "/usr/lib64",
                    "/usr/lib/x86_64-linux-gnu/nvidia/current",
                    "/usr/lib64/nvidia",
                    "/usr/lib",
                    "/lib/x86_64-linux-gnu",
                    "/lib/aarch64-linux-gnu",
                    "/lib64",
                    "/run/opengl-driver/lib");

    static final List<String> LIBRARY_DIRECTORIES_32 =
            List.of(
                    "/usr/lib/i386-linux-gnu",
                    "/usr/lib32",
                    "/usr/lib/i386-linux-gnu/nvidia/current",
                    "/usr/lib",
                    "/lib/i386-linux-gnu",
                    "/run/opengl-driver-32/lib");

    static final List<String> BINARY_DIRECTORIES =
            List.of("/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin");

    /** Libraries that carry the driver's version behind {@code .so.}. */
    static final Map<String, Set<DriverCapability>> LIBRARIES = libraries();

    /** Libraries with versions of their own, found by the name that they are loaded by. */
    static final Map<String, Set<DriverCapability>> OWN_VERSION =
            Map.of(
                    "libnvidia-nvvm70.so.4", EnumSet.of(COMPUTE),
                    "libnvidia-egl-gbm.so.1", EnumSet.of(GRAPHICS),
                    "libnvidia-egl-wayland.so.1", EnumSet.of(GRAPHICS),
                    "libnvidia-egl-wayland2.so.1", EnumSet.of(GRAPHICS),
                    "libnvidia-egl-xcb.so.1", EnumSet.of(GRAPHICS),
                    "libnvidia-egl-xlib.so.1", EnumSet.of(GRAPHICS));

    static final Map<String, Set<DriverCapability>> BINARIES = binaries();

    /** Names beside a library that programs load it by, whether or not the host has them; {@code %} is the versioned name. */
    static final Map<String, Map<String, String>> ALIASES =
            Map.of(
                    "libcuda", Map.of("libcuda.so", "libcuda.so.1"),
                    "libnvidia-opticalflow",
                            Map.of("libnvidia-opticalflow.so", "libnvidia-opticalflow.so.1"),
                    "libGLX_nvidia", Map.of("libGLX_indirect.so.0", "%"),
                    "libnvidia-allocator",
                            Map.of("gbm/nvidia-drm_gbm.so", "../libnvidia-allocator.so.1"));

    /** Without these a capability is none: when they are there and cannot be trusted, it is refused. */
    static final Map<String, DriverCapability> ESSENTIAL =
            Map.of("libcuda", COMPUTE, "libnvidia-ml", UTILITY);

    /** Configuration for graphics, below {@code /etc} or {@code /usr/share}. */
    static final List<String> GRAPHICS_FILES =
            List.of(
                    "glvnd/egl_vendor.d/10_nvidia.json",
                    "egl/egl_external_platform.d/09_nvidia_wayland2.json",
                    "egl/egl_external_platform.d/10_nvidia_wayland.json",
                    "egl/egl_external_platform.d/15_nvidia_gbm.json",
                    "egl/egl_external_platform.d/20_nvidia_xcb.json",
                    "egl/egl_external_platform.d/20_nvidia_xlib.json",
                    "vulkan/icd.d/nvidia_icd.json",
                    "vulkan/icd.d/nvidia_icd.x86_64.json",
                    "vulkan/icd.d/nvidia_icd.aarch64.json",
                    "vulkan/implicit_layer.d/nvidia_layers.json",
                    "nvidia/nvoptix.bin",
                    "X11/xorg.conf.d/10-nvidia.conf",
                    "X11/xorg.conf.d/nvidia-drm-outputclass.conf");

    /** Configuration for compute, as {@link #GRAPHICS_FILES}. */
    static final List<String> COMPUTE_FILES = List.of("OpenCL/vendors/nvidia.icd");

    private DriverNames() {}

    private static Map<String, Set<DriverCapability>> libraries() {
        Map<String, Set<DriverCapability>> out = new LinkedHashMap<>();
        put(out, EnumSet.of(UTILITY), "libnvidia-ml libnvidia-cfg libnvidia-nscq");
        put(
                out,
                EnumSet.of(COMPUTE),
                "libcuda libcudadebugger libnvidia-opencl libnvidia-ptxjitcompiler libnvidia-fatbinaryloader libnvidia-compiler"
                        + " libnvidia-pkcs11 libnvidia-pkcs11-openssl3 libnvidia-nvvm libnvidia-tileiras libnvidia-sandboxutils");
        put(out, EnumSet.of(COMPUTE, GRAPHICS), "libnvidia-gpucomp libnvidia-allocator");
        put(
                out,
                EnumSet.of(VIDEO),
                "libvdpau_nvidia libnvidia-encode libnvidia-opticalflow libnvcuvid");
        put(
                out,
                EnumSet.of(GRAPHICS),
                "libnvidia-eglcore libnvidia-glcore libnvidia-tls libnvidia-glsi libnvidia-fbc libnvidia-ifr libnvidia-rtcore"
                        + " libnvoptix libGLX_nvidia libEGL_nvidia libGLESv2_nvidia libGLESv1_CM_nvidia libnvidia-glvkspirv"
                        + " libnvidia-cbl libnvidia-vulkan-producer libglxserver_nvidia libGL libEGL libGLESv1_CM libGLESv2");
        put(out, EnumSet.of(NGX), "libnvidia-ngx");
        return Map.copyOf(out);
    }

    private static Map<String, Set<DriverCapability>> binaries() {
        Map<String, Set<DriverCapability>> out = new LinkedHashMap<>();
        put(
                out,
                EnumSet.of(UTILITY),
                "nvidia-smi nvidia-debugdump nvidia-persistenced nv-fabricmanager");
        put(out, EnumSet.of(COMPUTE), "nvidia-cuda-mps-control nvidia-cuda-mps-server");
        put(out, EnumSet.of(GRAPHICS), "nvidia-xconfig");
        return Map.copyOf(out);
    }

    private static void put(
            Map<String, Set<DriverCapability>> out, Set<DriverCapability> who, String names) {
        for (String name : names.split(" ")) {
            out.put(name, who);
        }
    }
}
