/* What Go programs miss in Wine 8, in a library that each of them loads first thing. Newer ones have a library of that name themselves.
 *
 * 1. Random numbers: Go takes them from ProcessPrng of bcryptprimitives.dll. Here it stands over the source that Wine has always had.
 * 2. An answer: asked for an operation on a file that it does not know, such as deleting with POSIX semantics, Windows says
 *    STATUS_INVALID_INFO_CLASS, and Go then takes the older operation. Wine says STATUS_NOT_IMPLEMENTED, and Go gives up. */
#include <windows.h>
#include <string.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length); /* RtlGenRandom, of advapi32 */

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    while (length > 0) {
        ULONG part = length > 0x40000000 ? 0x40000000 : (ULONG)length;
        if (!SystemFunction036(buffer, part)) return FALSE;
        buffer += part;
        length -= part;
    }
    return TRUE;
}

#define NOT_IMPLEMENTED ((LONG)0xC0000002)
#define INVALID_INFO_CLASS ((LONG)0xC0000003)

typedef LONG (NTAPI *set_information)(HANDLE file, PVOID io, PVOID data, ULONG length, ULONG class);

static set_information original;

static LONG NTAPI answer_as_windows_does(HANDLE file, PVOID io, PVOID data, ULONG length, ULONG class)
{
    LONG status = original(file, io, data, length, class);
    return status == NOT_IMPLEMENTED ? INVALID_INFO_CLASS : status;
}

/* A system call of ntdll is 32 bytes that do not mind where they are: they are copied, and replaced by a jump. */
static BOOL put_before(BYTE *call)
{
    static const BYTE start[] = {0x4c, 0x8b, 0xd1, 0xb8}; /* mov r10, rcx; mov eax, number */
    BYTE jump[14] = {0xff, 0x25, 0, 0, 0, 0};             /* jmp to the address behind it */
    set_information to = answer_as_windows_does;
    DWORD before;
    BYTE *copy;

    if (!call || memcmp(call, start, sizeof start)) return FALSE;
    copy = VirtualAlloc(NULL, 32, MEM_COMMIT | MEM_RESERVE, PAGE_EXECUTE_READWRITE);
    if (!copy || !VirtualProtect(call, sizeof jump, PAGE_EXECUTE_READWRITE, &before)) return FALSE;
    memcpy(copy, call, 32);
    original = (set_information)copy;
    memcpy(jump + 6, &to, sizeof to);
    memcpy(call, jump, sizeof jump);
    return VirtualProtect(call, sizeof jump, before, &before);
}

BOOL WINAPI DllMain(HINSTANCE self, DWORD why, LPVOID reserved)
{
    if (why != DLL_PROCESS_ATTACH) return TRUE;
    return put_before((BYTE *)GetProcAddress(GetModuleHandleA("ntdll.dll"), "NtSetInformationFile"));
}
