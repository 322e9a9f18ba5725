#!/bin/sh
# driver-root.sh DIR VERSION: a driver root of small but real ELF files, each with the SONAME of the library that it stands for.
# Every library exports berth_fixture(), which returns its own file name; libcuda also cuDriverGetVersion().
set -eu
dir=$1 version=$2
lib=$dir/usr/lib/x86_64-linux-gnu lib32=$dir/usr/lib/i386-linux-gnu
mkdir -p "$lib/vdpau" "$lib32" "$dir/usr/bin" "$dir/lib/firmware/nvidia/$version" "$dir/build" \
    "$dir/usr/share/glvnd/egl_vendor.d" "$dir/usr/share/vulkan/icd.d" "$dir/etc/OpenCL/vendors"
cd "$dir/build"

# source FILE: what a library exports
source() {
    printf 'const char *berth_fixture(void) { return "%s"; }\n' "$1"
    case $1 in
    libcuda.so.*) printf 'int cuDriverGetVersion(int *v) { *v = 13000; return 0; }\n' ;;
    esac
}

# library DIRECTORY FILE SONAME [FLAG...]
library() {
    to=$1/$2 soname=$3
    source "$2" >"one.c"
    shift 3
    gcc "$@" -O1 -fPIC -shared -nostdlib -Wl,-soname,"$soname" -Wl,--build-id=none -o "$to" one.c
    chmod 755 "$to"
}

for name in libnvidia-ml libnvidia-cfg libnvidia-nscq libcuda libcudadebugger libnvidia-opencl libnvidia-gpucomp \
    libnvidia-ptxjitcompiler libnvidia-allocator libnvidia-pkcs11 libnvidia-pkcs11-openssl3 libnvidia-tileiras \
    libnvidia-encode libnvidia-opticalflow libnvcuvid libnvidia-fbc libnvoptix libnvidia-ngx libnvidia-sandboxutils \
    libnvidia-fatbinaryloader libnvidia-compiler libnvidia-ifr libnvidia-vulkan-producer; do
    library "$lib" "$name.so.$version" "$name.so.1"
    ln -s "$name.so.$version" "$lib/$name.so.1"
done
library "$lib" "libnvidia-nvvm.so.$version" libnvidia-nvvm.so.4
library "$lib" libnvidia-nvvm70.so.4 libnvidia-nvvm70.so.4
library "$lib/vdpau" "libvdpau_nvidia.so.$version" libvdpau_nvidia.so.1
for name in libnvidia-eglcore libnvidia-glcore libnvidia-tls libnvidia-glsi libnvidia-rtcore libnvidia-glvkspirv; do
    library "$lib" "$name.so.$version" "$name.so.$version"
done
for name in libGLX_nvidia libEGL_nvidia; do
    library "$lib" "$name.so.$version" "$name.so.0"
done
library "$lib" "libGLESv2_nvidia.so.$version" libGLESv2_nvidia.so.2
library "$lib" "libGLESv1_CM_nvidia.so.$version" libGLESv1_CM_nvidia.so.1
library "$lib" "libnvidia-cbl.so.$version" "libnvidia-cbl.so.$version"
library "$lib" "libglxserver_nvidia.so.$version" libglxserver_nvidia.so
for name in gbm wayland wayland2 xcb xlib; do
    library "$lib" "libnvidia-egl-$name.so.1.1.2" "libnvidia-egl-$name.so.1"
    ln -s "libnvidia-egl-$name.so.1.1.2" "$lib/libnvidia-egl-$name.so.1"
done
ln -s libnvidia-ml.so.1 "$lib/libnvidia-ml.so"
# What must not be taken: another driver's rest, and somebody else's libGL.
library "$lib" libcuda.so.470.82.01 libcuda.so.1
library "$lib" libGL.so.1.7.0 libGL.so.1
for name in libcuda libnvidia-ml libnvidia-ptxjitcompiler libnvcuvid libnvidia-encode; do
    library "$lib32" "$name.so.$version" "$name.so.1" -m32
done
for name in libGLX_nvidia libEGL_nvidia libnvidia-glcore libnvidia-tls; do
    library "$lib32" "$name.so.$version" "$name.so.0" -m32
done
# A program that needs nothing, for each binary: it says its name.
cat >tool.c <<'C'
static long call(long n, long a, const void *b, long c)
{
    long r;
    __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return r;
}
void _start(void)
{
    static const char text[] = NAME " of the fixture\n";
    call(1, 1, text, sizeof text - 1);
    call(60, 0, 0, 0);
}
C
for name in nvidia-smi nvidia-debugdump nvidia-persistenced nvidia-cuda-mps-control nvidia-cuda-mps-server; do
    gcc -O1 -static -nostdlib -fno-stack-protector -DNAME="\"$name\"" -o "$dir/usr/bin/$name" tool.c
    chmod 755 "$dir/usr/bin/$name"
done
for chip in gsp_tu10x gsp_ga10x; do
    echo "firmware $chip" >"$dir/lib/firmware/nvidia/$version/$chip.bin"
done
echo '{"ICD": {"library_path": "libEGL_nvidia.so.0"}}' >"$dir/usr/share/glvnd/egl_vendor.d/10_nvidia.json"
echo '{"ICD": {"library_path": "libGLX_nvidia.so.0"}}' >"$dir/usr/share/vulkan/icd.d/nvidia_icd.json"
echo libnvidia-opencl.so.1 >"$dir/etc/OpenCL/vendors/nvidia.icd"
rm -r "$dir/build"
# Whatever the umask: driver files are nobody else's to write.
chmod -R go-w "$dir"
