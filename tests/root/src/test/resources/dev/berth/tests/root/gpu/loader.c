/* loader LIBRARY...: loads each as a program does and prints what it says of itself. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        void *library = dlopen(argv[i], RTLD_NOW);
        const char *(*say)(void) = library ? (const char *(*)(void))dlsym(library, "berth_fixture") : 0;
        printf("%s: %s\n", argv[i], say ? say() : dlerror());
    }
    return 0;
}
